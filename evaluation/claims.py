"""
How much of what a sentence says is in its evidence?  An outside look, at words alone.

Shares no code with `slates.told`, which decides what is shown: it is what that is measured by, and
what the sentences of others are measured by, too.  It is kind to whoever wrote them: endings of
words are taken off, and what every recommendation says is no claim.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+(?:[’'][^\W_]+)?")
_SENTENCE = re.compile(r"[.!?]+(?:\s|$)")
_ENDINGS = ("'s", "’s", "ingly", "ing", "edly", "ed", "ies", "ness", "es", "s", "ly", "y", "e")
_SHORTEST = 3
"""Letters of a word that are left."""
_DENIALS = frozenset("""
    no not never none nor without lack lacks lacking hardly despite aren't isn't don't doesn't
    can't cannot won't wasn't weren't didn't nothing nobody few limited avoid except unless
""".split())  # fmt: skip  # noqa: SIM905
_FRAME = frozenset("""
    a about add added adding all also an and any are as at be because been being both business but
    by can could enjoy enjoyable enjoyed enjoyment establishment experience experiences for from
    get had has have having here if in including into is it its itself just like likely love made
    make makes making may might more of off offer offered offering offers on one option or other
    our out over overall perfect place provide provided provides providing recommend
    recommendation she so some spot such than that the their them there these they this those
    through to too under up user users very visit was way we well were what when where which while
    who whom whose will with within would you your yourself appreciate appreciated create creating
    creates due ensure ensuring especially ideal particularly
""".split())  # fmt: skip  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Claims:
    """What a text claims."""

    proven: int
    made: int
    unproven: tuple[str, ...]
    """Words that the evidence does not bear out."""


def count_claims(text: str, evidence: Sequence[str]) -> Claims:
    """
    Look for every word of a text that says something in its evidence.

    A number must be there as it is.  A word that the evidence has in denials only is not proven
    unless the sentence denies as well, and a denial is a claim like any other.

    >>> count_claims("You would enjoy it for its 3 bars and cosy rooms.", ["A bar with 3 rooms."])
    Claims(proven=3, made=4, unproven=('cosy',))
    """
    said, denied = _known(evidence)
    proven, unproven = 0, []
    for sentence in filter(str.strip, _SENTENCE.split(text)):
        words = [word.casefold().replace("’", "'") for word in _WORD.findall(sentence)]
        denies = not _DENIALS.isdisjoint(words)
        for word in words:
            if word in _FRAME:
                continue
            stem = _stem(word)
            if stem in said or (denies and stem in denied):
                proven += 1
            else:
                unproven.append(word)
    return Claims(proven, proven + len(unproven), tuple(unproven))


def _known(evidence: Sequence[str]) -> tuple[set[str], set[str]]:
    """Stems that the evidence says, and those that it has in sentences that deny something."""
    said, denied = set[str](), set[str]()
    for text in evidence:
        for sentence in _SENTENCE.split(text):
            words = [word.casefold().replace("’", "'") for word in _WORD.findall(sentence)]
            stems = denied if not _DENIALS.isdisjoint(words) else said
            stems.update(map(_stem, words))
    return said, denied


def _stem(word: str) -> str:
    """A word without its ending; a number as it is."""
    if any(c.isnumeric() for c in word):
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word[: -len(ending)]
    return word
