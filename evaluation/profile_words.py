"""
A sentence out of profiles, without a model: what the item has, in the words of its own profile.

Of the parts of an item's profile those come first that the user's profile speaks of, too.  Parts
that deny or hedge something are left out, so nothing is turned into its opposite.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from slates.told.tongues import Tongue

MOST = 4
"""Parts that are named; a reader takes in no more."""
MOST_WORDS = 14
"""Of a part; a longer one is a sentence of its own."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_PART = re.compile(
    r"\s*[,;:()]\s*(?:and\s+|or\s+|as well as\s+)?|\s+as well as\s+|\s+along with\s+|\s*[–—]\s*"
)
_AUDIENCE = re.compile(
    r"^(?:(?:and|or|for)\s+)*(?:[\w'-]+\s+){0,6}?"
    r"(?:who(?:\s+are)?|(?:lovers|fans|enthusiasts) of)\s+",
    re.IGNORECASE,
)
_SEEKS = re.compile(
    r"^(?:[\w'-]+\s+){0,3}?(?:looking for|seeking|searching for|interested in|in search of)\s+|"
    r"^(?:(?:and|also|would|will|may|greatly)\s+)*"
    r"(?:enjoy|appreciate|love|like|prefer|value|prioritize|seek|want|look for)s?\s+",
    re.IGNORECASE,
)
"""Whom a profile names something for, and that they want it."""
_WOULD = re.compile(r"\s+(?:would|will|may|might)\b.*$", re.IGNORECASE)
"""That somebody would enjoy the item."""
_OTHER = re.compile(
    r"^(?:is|are|it|it's|they|known|recommended|popular|at|in|on|with|should|can|but|while|where|"
    r"which|that|to|great for|good for|best|perfect|suitable|especially|particularly|being|also|"
    r"including|such as|like)\b|"
    r"\b(?:who|fans|lovers|enthusiasts|users|individuals|customers|those|people|seekers|foodies|"
    r"visitors|diners|locals|tourists|potential)\b",
    re.IGNORECASE,
)
"""Parts that are no thing that an item has."""
_WORD = re.compile(r"[^\W\d_]{4,}")


def phrase_of(title: str, item: str, user: str, tongue: Tongue) -> str:
    """
    One sentence; "" where the item's profile has no part that can be said.

    Args:
        title: Of the item.
        item: Its profile.
        user: The user's profile.
        tongue: English, which profiles are in.

    >>> from slates.told.tongues import load_tongue
    >>> said = "Fans of live music, good food, and a lively bar would enjoy Milkboy."
    >>> phrase_of("Milkboy", said, "This user is likely to enjoy live music.", load_tongue("en"))
    'You would enjoy “Milkboy” for live music, good food and a lively bar.'
    """
    parts = parts_of(title, item, tongue)
    wanted = {word.lower() for word in _WORD.findall(user)}
    shared = [sum(word.lower() in wanted for word in _WORD.findall(part)) for part in parts]
    best = sorted(range(len(parts)), key=lambda k: (-shared[k], k))[:MOST]
    said = [parts[k] for k in best]
    named = " and ".join(filter(None, [", ".join(said[:-1]), *said[-1:]]))
    return f"You would enjoy “{title}” for {named}." if named else ""


def parts_of(title: str, profile: str, tongue: Tongue) -> Sequence[str]:
    """What a profile names, without whom it names it for."""
    parts: dict[str, None] = {}
    for sentence in _SENTENCE.split(profile):
        if _has(sentence, tongue.denies):
            continue
        for part in _PART.split(sentence.rstrip(" .!?")):
            said = _WOULD.sub("", _SEEKS.sub("", _AUDIENCE.sub("", part.strip()))).strip()
            if _OTHER.search(said) or title.casefold() in said.casefold():
                continue
            if not _has(said, tongue.hedges) and 1 < len(said.split()) <= MOST_WORDS:
                parts.setdefault(said)
    return list(parts)


def _has(text: str, words: frozenset[str]) -> bool:
    return not words.isdisjoint(re.findall(r"[\w']+", text.casefold().replace("’", "'")))
