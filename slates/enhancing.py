"""
What a model adds to items: asked for several at once, checked for each against its own text alone.

What is not supported by an item's text is dropped and counted; what was picked from the text by
rule stands in for it.  So the worst that a model, or another item in the same question, can do to
an item is to leave out something that is true of it.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from slates.extracting import MOST_TAG_CHARS, MOST_TAG_WORDS, SUMMARY_CHARS, new_tags
from slates.grounding import GRAMMAR, Source, source_of, stem, unsupported, words_of
from slates.model import Answer
from slates.prompting import LONGEST, Asked, Count, Line, Prompt, ask, load_prompt
from slates.summaries import Encode, summarise
from streams.enhancements import ENGINE, Enhancement
from streams.items import Item, attribute_words, clean_text
from streams.wire import UNDECODABLE

PROMPT = "enhance-1"
STRATEGY = "enhance"
"""As it stands in the ledger."""
_MOODS = """
    adventurous bleak calm comic dark dramatic eerie hopeful melancholic mysterious playful
    romantic satirical suspenseful thoughtful warm
"""
MOODS = frozenset(_MOODS.split())
"""All there are: a mood stands in no text, so it is one of few words that claim little."""
AUDIENCES: Mapping[str, tuple[str, ...]] = {
    "adults": ("adults",),
    "beginners": ("beginners",),
    "children": ("children", "kids"),
    "experts": ("experts", "professionals"),
    "families": ("families", "the whole family"),
    "young adults": ("young adults", "teenagers"),
}
"""
All there are, with the words for them.

For whom an item is, is a fact: its text must say "for children", or a tag or attribute must be just
that.  Many a text with children in it is not for them.
"""
MOST_TEXT = 320
"""Tokens of a description in the question, 1,300 letters of English; a longer one is summed up."""
PART_CHARS = LONGEST - 10
"""Characters of one string of a description in the question."""
PARTS = 6
"""Strings of it: 1,380 characters, more than a description of `MOST_TEXT` has."""
SHORTEST_SUMMARY = 3
"""Words of a summary, at least."""
MAX_REPLY_CHARS = 100_000
"""What is longer is no answer to eight items."""


class _Said(msgspec.Struct, frozen=True):
    """What a reply says of one item."""

    id: int
    tags: tuple[str, ...] = ()
    summary: str = ""
    mood: str = ""
    audience: str = ""


class _Reply(msgspec.Struct, frozen=True):
    items: tuple[msgspec.Raw, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a reply."""

    enhancements: tuple[Enhancement, ...]
    """One for each item asked about, in their order."""
    dropped: Mapping[str, int]
    """What was not used: items `missing`, `repeated`, `unknown`; parts that are not supported."""


def load_enhance() -> Prompt:
    """
    The prompt.

    Raises:
        SetupError: It is not as it should be.
    """
    return load_prompt(PROMPT, blanks={"items"})


def shortened(item: Item, *, encode: Encode | None = None) -> Item:
    """
    An item whose description is not longer than a question can hold, in its own sentences.

    Args:
        item: As it was announced.
        encode: Texts to unit rows, to find the sentences that say most; None takes the first ones.
    """
    said = summarise(item.description, most=MOST_TEXT, encode=encode)
    return msgspec.structs.replace(item, description=said)


def question_about(items: Sequence[Item], prompt: Prompt, *, most: int, count: Count) -> Asked:
    """
    Ask about items, as many of the first of them as there is room for: `left("items")`.

    Args:
        items: The first is number 1.
        prompt: As `load_enhance` gave it.
        most: Tokens that the model can read.
        count: Tokens of a text.

    Raises:
        ModelUnavailable: Not even one has room.
    """
    lines = [Line((number, *_strings(item))) for number, item in enumerate(items, 1)]
    asked = ask(prompt, {"items": lines}, most=most, count=count, strategy=STRATEGY)
    answers = max(asked.left("items"), 1)
    question = msgspec.structs.replace(asked.question, max_tokens=prompt.max_tokens * answers)
    return Asked(question, asked.filled, asked.counts)


def _strings(item: Item) -> list[str]:
    parts = textwrap.wrap(item.description, PART_CHARS)[:PARTS]
    return [item.title, *parts, *([about] if (about := ", ".join(_about(item))) else [])]


def _about(item: Item) -> list[str]:
    words = [word for value in item.attributes.values() for word in attribute_words(value)]
    return [*words, *item.tags]


def read_reply(
    answer: Answer, items: Sequence[Item], *, picked: Sequence[Enhancement], prompt: Prompt
) -> Heard:
    """
    Take from a reply what the items' own texts support.

    Args:
        answer: What the model said.
        items: What it was asked about, in that order.
        picked: What the texts say by themselves; stands in for what is missing.
        prompt: With which it was asked.
    """
    said, dropped = _by_number(answer.text, len(items))
    enhancements = []
    for number, (item, own) in enumerate(zip(items, picked, strict=True), 1):
        found = _checked(said[number], item, dropped) if number in said else Enhancement(of=own.of)
        enhancements.append(_merged(found, own, by=answer.model, asked=prompt.label))
    dropped["missing"] += sum(number not in said for number in range(1, len(items) + 1))
    return Heard(tuple(enhancements), {name: n for name, n in dropped.items() if n})


def _by_number(text: str, count: int) -> tuple[dict[int, _Said], Counter[str]]:
    """What is said of each number; one that is answered twice is not answered at all."""
    dropped: Counter[str] = Counter()
    found: dict[int, list[_Said]] = {}
    for raw in _raws(text, dropped):
        try:
            said = msgspec.json.decode(raw, type=_Said, strict=False)
        except UNDECODABLE:
            dropped["malformed"] += 1
            continue
        if not 1 <= said.id <= count:
            dropped["unknown"] += 1
            continue
        found.setdefault(said.id, []).append(said)
    dropped["repeated"] += sum(len(several) - 1 for several in found.values())
    return {number: one[0] for number, one in found.items() if len(one) == 1}, dropped


def _raws(text: str, dropped: Counter[str]) -> Sequence[msgspec.Raw]:
    """The items of a reply; prose around the object is passed over."""
    begin, end = text.find("{"), text.rfind("}") + 1
    try:
        return msgspec.json.decode(text[begin:end][:MAX_REPLY_CHARS].encode(), type=_Reply).items
    except (*UNDECODABLE, UnicodeEncodeError):
        dropped["malformed"] += 1
        return ()


def _checked(said: _Said, item: Item, dropped: Counter[str]) -> Enhancement:
    """What an item's own text supports."""
    source = source_of(item.title, item.description, *_about(item))
    summary, mood, audience = map(clean_text, (said.summary, said.mood, said.audience))
    tags = [tag for tag in map(clean_text, said.tags) if _is_tag(tag, source)]
    dropped["tag"] += len(said.tags) - len(tags)
    good = {
        "summary": _is_summary(summary, source),
        "mood": mood.casefold() in MOODS,
        "audience": _is_audience(audience.casefold(), item, source),
    }
    given = {"summary": summary, "mood": mood, "audience": audience}
    dropped.update(name for name, word in given.items() if word and not good[name])
    return Enhancement(
        of=b"",
        tags=new_tags(tags, (item.title, *_about(item))),
        summary=summary if good["summary"] else "",
        mood=mood.casefold() if good["mood"] else "",
        audience=audience.casefold() if good["audience"] else "",
    )


def _is_tag(tag: str, source: Source) -> bool:
    """Are these a few words that stand together in the text?"""
    words = words_of(tag)
    content = [word for word in words if word.casefold() not in GRAMMAR]
    short = len(words) <= MOST_TAG_WORDS and len(tag) <= MOST_TAG_CHARS
    return bool(content) and short and source.has_run(words)


def _is_summary(summary: str, source: Source) -> bool:
    words = words_of(summary)
    fits = len(words) >= SHORTEST_SUMMARY and len(summary) <= SUMMARY_CHARS
    return fits and not unsupported(summary, source)


def _is_audience(audience: str, item: Item, source: Source) -> bool:
    """Does the item say that it is for them?"""
    marks = {tuple(map(stem, words_of(word))) for word in _about(item)}
    names = [words_of(name) for name in AUDIENCES.get(audience, ())]
    return any(source.has_run(["for", *n]) or tuple(map(stem, n)) in marks for n in names)


def _merged(found: Enhancement, own: Enhancement, *, by: str, asked: str) -> Enhancement:
    """What was found, with what the text says by itself where nothing was."""
    something = found.summary or found.tags or found.attributes
    return msgspec.structs.replace(
        own,
        by=by if something else ENGINE,
        asked=asked,
        summary=found.summary or own.summary,
        tags=found.tags or own.tags,
        mood=found.mood,
        audience=found.audience,
    )
