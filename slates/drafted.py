"""
Reasons out of a draft alone, for candidates that were not on the slate and so have none yet.

Facts that a draft has: what an item shares with what the user did something to, and how many people
came to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from slates.config import Language
from slates.draft import Candidate, Draft, Had
from slates.reasons.attributes import MAX_WORDS, is_sayable
from slates.reasons.deeds import VERBS
from slates.reasons.grounds import shorten
from slates.reasons.sentences import say
from slates.shelf import Place
from slates.slate import Reason
from streams.items import AttributeValue, attribute_words

COMMON = 0.5
"""Share of the candidates that have a word from which on it is nothing to share."""


class Drafted:
    """The reasons of the candidates of one draft."""

    def __init__(self, draft: Draft, *, language: Language) -> None:
        self._draft = draft
        self._language: Language = language
        self._shown = {item.item_id: item.reasons for item in draft.slate.items}

    def of(self, candidate: Candidate) -> tuple[Reason, ...]:
        """Those of the slate, or what the draft proves; may be none."""
        if candidate.item_id in self._shown:
            return self._shown[candidate.item_id]
        shared = self._shared(candidate)
        return (shared,) if shared else ()

    def _shared(self, candidate: Candidate) -> Reason | None:
        """With what the user did most to, the newest first; the rarest word first."""
        words = [place for place in places(candidate.attributes) if self._says(place)]
        for had in self._liked:
            theirs = set(places(had.attributes)) if had.item_id != candidate.item_id else set()
            if both := [place for place in words if place in theirs]:
                return self._reason(had, both)
        return None

    def _reason(self, had: Had, both: Sequence[Place]) -> Reason:
        rarest = min(both, key=lambda place: self._counts[place])[0]
        evidence = {
            "attribute": rarest,
            "words": [word for name, word in both if name == rarest][:MAX_WORDS],
            "items": [had.item_id],
            "titles": [shorten(had.title)],
            "actions": [had.action],
        }
        return Reason("attributes", say("attributes", evidence, self._language), evidence)

    @cached_property
    def _liked(self) -> list[Had]:
        liked = [had for had in self._draft.history if had.gain > 0]
        return sorted(liked, key=lambda had: had.action not in VERBS)

    @cached_property
    def _counts(self) -> Counter[Place]:
        return Counter(p for each in self._draft.candidates for p in set(places(each.attributes)))

    def _says(self, place: Place) -> bool:
        return self._counts[place] < COMMON * len(self._draft.candidates)


def places(attributes: Mapping[str, AttributeValue]) -> list[Place]:
    """The words of attributes that can stand in a sentence."""
    found = [(name, word) for name, value in attributes.items() for word in attribute_words(value)]
    return [place for place in found if is_sayable(place)]
