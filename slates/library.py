"""The whole catalogue, as far as a refinement needs it: which item a title means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from slates.draft import Candidate, Draft


class Library(Protocol):
    """Whoever has the whole catalogue."""

    def find(self, title: str) -> str | None:
        """The item of that name and year; None where there is none, or several could be meant."""

    async def near(self, titles: Sequence[str]) -> Mapping[str, str]:
        """Title to the item whose title says the same in other words; others are left out."""

    def candidate(self, item_id: str, draft: Draft) -> Candidate | None:
        """An item as it may be shown on a draft's slate; None where it may not."""
