"""
What a user likes, in words: when to write it, from what, and whether what a model wrote is so.

Only items of the user's own history are spoken of, and only by their titles, tags and attributes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from slates.grounding import source_of, unsupported
from slates.knowledge import Knowledge
from slates.prompting import Asked, Count, Line, Prompt, ask, load_prompt
from streams.items import ItemFacts, attribute_words, clean_text
from streams.profiles import Profile
from streams.wire import UNDECODABLE

PROMPT = "preferences-1"
STRATEGY = "preferences"
"""As it stands in the ledger."""
FEWEST = 3
"""Interactions before which there is nothing to say."""
SHARE = 0.25
"""Part of the history that must be new for the words to be written anew."""
LEAST_MOVED, MOST_MOVED = 5, 50
"""Interactions between two writings, at least and at most: 50 are a quarter of what is kept."""
LOOKED_AT = 50
"""Newest interactions that are spoken of; tastes are made from about as many."""
IN_PROMPT = 15
"""Items that a model is told of; more of a history do not help one."""
IN_COMMON = 3
"""Words that a sentence has."""
LEAST_COMMON = 2
"""Items that must have a word for it to be common."""
LONGEST_WORD = 60
"""Characters of a word that is named; a longer one is a text."""
LONGEST = 240
"""Characters of what a model writes."""
_SAYING = frozenset(
    {"likes", "like", "enjoys", "enjoy", "prefers", "prefer", "often", "also", "especially", "such"}
)
"""Words by which preferences are told."""


class Liked(NamedTuple):
    """One item of the history that the user liked."""

    item_id: str
    facts: ItemFacts


class Common(NamedTuple):
    """A word that several of them have."""

    word: str
    items: int


class _Reply(msgspec.Struct, frozen=True):
    text: str


def likes_of(profile: Profile, *, own_words: bool = False) -> str:
    """
    The words to be put into a prompt, or shown to others than the user.

    Args:
        profile: Whose.
        own_words: May what the user wrote be used?  It is free text, see `docs/preferences.md`.

    >>> from streams.profiles import Likes
    >>> mine = Profile(likes=Likes("No horror, I am Ann.", "user", 0.0))
    >>> likes_of(mine), likes_of(mine, own_words=True)
    ('', 'No horror, I am Ann.')
    """
    likes = profile.likes
    if likes is None or (likes.by == "user" and not own_words):
        return ""
    return likes.text


def is_due(profile: Profile) -> bool:
    """
    Has the history moved so much that the words should be written anew?

    Never where the user has written them, or has deleted them.

    >>> from streams.profiles import Likes
    >>> is_due(Profile(counters={"click": 3}))
    True
    >>> old = Likes("Likes the sea.", "model", 0.0, 20)
    >>> [is_due(Profile(counters={"click": n}, likes=old)) for n in (24, 25)]
    [False, True]
    """
    likes, now = profile.likes, profile.interactions
    if likes is None:
        return now >= FEWEST
    moved = min(max(SHARE * likes.basis, LEAST_MOVED), MOST_MOVED)
    return likes.by != "user" and now - likes.basis >= moved


def liked_by(profile: Profile, knowledge: Knowledge) -> list[Liked]:
    """The items liked of late, newest first, each once; those that are gone are left out."""
    entries = (e for e in reversed(profile.history[-LOOKED_AT:]) if e.gain > 0)
    ids = dict.fromkeys(entry.item_id for entry in entries)
    facts = ((item_id, knowledge.facts(item_id)) for item_id in ids)
    return [Liked(item_id, known) for item_id, known in facts if known is not None]


def common_to(liked: Sequence[Liked], knowledge: Knowledge) -> list[Common]:
    """
    The words of attributes that say most about these items: frequent here, rare elsewhere.

    Source:
        Term frequency times inverse document frequency: Spärck Jones, 1972.
    """
    counts = Counter(
        place for each in liked for place in dict.fromkeys(knowledge.words(each.item_id))
    )
    found = {place: n for place, n in counts.items() if n >= LEAST_COMMON}
    telling = sorted(found, key=lambda place: (-_weight(place, counts, knowledge), place))
    words: dict[str, int] = {}
    for name, word in telling:
        if len(word) <= LONGEST_WORD and word.casefold() not in map(str.casefold, words):
            words[word] = found[name, word]
    return [Common(word, n) for word, n in list(words.items())[:IN_COMMON]]


def _weight(
    place: tuple[str, str], counts: Counter[tuple[str, str]], knowledge: Knowledge
) -> float:
    return counts[place] * math.log(1 + 1 / max(knowledge.share(*place), 1e-9))


def tell(liked: Sequence[Liked], common: Sequence[Common]) -> str:
    """
    The engine's own sentence, from counts alone; empty where there is nothing to say.

    >>> tell([Liked(t, ItemFacts(t)) for t in "ABCD"], [Common("sea", 3), Common("Jules Verne", 2)])
    'Mostly sea (3 of 4) and Jules Verne (2).'
    >>> tell([Liked("a", ItemFacts("Moby-Dick")), Liked("b", ItemFacts("Emma"))], [])
    'Lately Moby-Dick and Emma.'
    """
    if not liked:
        return ""
    if not common:
        return f"Lately {_joined([each.facts.title[:LONGEST_WORD] for each in liked[:IN_COMMON]])}."
    first, *others = common
    told = [f"{first.word} ({first.items} of {len(liked)})"]
    kind = "Mostly" if 2 * first.items > len(liked) else "Often"
    return f"{kind} {_joined([*told, *(f'{word} ({n})' for word, n in others)])}."


def _joined(parts: Sequence[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def load_preferences() -> Prompt:
    """
    The prompt.

    Raises:
        SetupError: It is not as it should be.
    """
    return load_prompt(PROMPT, blanks={"common", "history"})


def question_for(
    liked: Sequence[Liked], common: Sequence[Common], prompt: Prompt, *, most: int, count: Count
) -> Asked:
    """
    Ask a model for the sentence; neither a name nor a word of the user is in the question.

    Raises:
        ModelUnavailable: It has no room.
    """
    history = [Line((each.facts.title,), text=_words(each.facts)) for each in liked[:IN_PROMPT]]
    shared = [Line((word, n)) for word, n in common]
    filled = {"common": shared, "history": history}
    return ask(prompt, filled, most=most, count=count, strategy=STRATEGY)


def _words(facts: ItemFacts) -> str:
    words = [word for value in facts.attributes.values() for word in attribute_words(value)]
    return ", ".join(dict.fromkeys([*words, *facts.tags]))


def read_preferences(text: str, liked: Sequence[Liked]) -> str:
    """
    What a model wrote, if every word of it is in titles, tags or attributes; else nothing.

    >>> sea = [Liked("a", ItemFacts("Moby-Dick", tags=("sea",)))]
    >>> read_preferences('{"text": "Likes the sea."}', sea)
    'Likes the sea.'
    >>> read_preferences('{"text": "Likes the sea, is a sailor of 40."}', sea)
    ''
    """
    begin, end = text.find("{"), text.rfind("}") + 1
    try:
        said = clean_text(msgspec.json.decode(text[begin:end].encode(), type=_Reply).text)
    except (*UNDECODABLE, UnicodeEncodeError):
        return ""
    source = source_of(*(part for each in liked for part in (each.facts.title, _words(each.facts))))
    fits = 0 < len(said) <= LONGEST
    return said if fits and not unsupported(said, source, allowed=_SAYING) else ""
