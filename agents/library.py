"""Which item a title means, of the whole live catalogue: by name and year, then by vectors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from agents.catalogue import Catalogue
from agents.wordbook import Wordbook
from slates.draft import Candidate, Draft
from slates.drafting import candidate_of
from slates.summaries import Encode
from slates.titles import may_be, take_apart

NEAR = 5
"""Items near a title whose titles are compared with it."""
ALIKE = 0.9
"""Cosine of two names from which on they mean the same."""


class Library:
    """A `slates.library.Library` of a worker that has the catalogue."""

    def __init__(
        self, catalogue: Catalogue, wordbook: Wordbook, *, encode: Encode | None = None
    ) -> None:
        """
        Look nothing up yet.

        Args:
            catalogue: All live items.
            wordbook: Their titles.
            encode: Texts to unit rows, called in a thread; None finds nothing by vectors.
        """
        self._catalogue = catalogue
        self._wordbook = wordbook
        self._encode = encode

    def find(self, title: str) -> str | None:
        """The item of that name and year; None where there is none, or several could be meant."""
        return self._wordbook.titles.find(title)

    async def near(self, titles: Sequence[str]) -> Mapping[str, str]:
        """Title to the item whose title says the same in other words; others are left out."""
        if self._encode is None or not titles:
            return {}
        rows = await asyncio.to_thread(self._encode, titles)
        found = self._catalogue.index.search(np.asarray(rows, np.float32), n=NEAR)
        pairs = [
            (title, match.item_id, facts.title)
            for title, matches in zip(titles, found, strict=True)
            for match in matches
            if (facts := self._catalogue.facts(match.item_id)) and may_be(title, facts.title)
        ]
        alike = await asyncio.to_thread(self._likeness, [(one, other) for one, _, other in pairs])
        best: dict[str, tuple[float, str]] = {}
        for (title, item_id, _), cosine in zip(pairs, alike, strict=True):
            if cosine >= max(ALIKE, best.get(title, (ALIKE, ""))[0]):
                best[title] = (cosine, item_id)
        return {title: item_id for title, (_, item_id) in best.items()}

    def _likeness(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Cosines of the names of titles, without years and the like."""
        if not pairs or self._encode is None:
            return []
        texts = list(dict.fromkeys(_name(title) for pair in pairs for title in pair))
        rows = np.asarray(self._encode(texts), np.float32)
        known = dict(zip(texts, rows, strict=True))
        return [float(known[_name(one)] @ known[_name(other)]) for one, other in pairs]

    def candidate(self, item_id: str, draft: Draft) -> Candidate | None:
        """An item as it may be shown on a draft's slate; None where it may not."""
        facts = self._catalogue.facts(item_id)
        if facts is None or item_id in draft.barred or item_id not in self._catalogue.index:
            return None
        if draft.filters and item_id not in self._catalogue.matching(draft.filters):
            return None
        crowd = self._catalogue.crowd
        row = crowd.row(item_id)
        return candidate_of(
            item_id,
            facts,
            score=min((each.score for each in draft.candidates), default=0.0),
            visits=float(crowd.visits[row]),
            people=int(crowd.people[row]),
        )


def _name(title: str) -> str:
    return next(iter(take_apart(title).names), title)
