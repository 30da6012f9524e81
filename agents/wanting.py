"""Items from whose text something can still be picked, or of which a model can be asked."""

from __future__ import annotations

from collections import defaultdict
from typing import TypeAlias

from agents.known import Known

Partitions: TypeAlias = defaultdict[int, dict[str, Known]]
"""Partition of `items` to its items, in the order in which they came."""


class Wanting:
    """Kept up by the catalogue."""

    def __init__(self, *, asks: bool) -> None:
        """
        Begin with nothing.

        Args:
            asks: Is there a model to ask?
        """
        self._asks = asks
        self.bare: Partitions = defaultdict(dict)
        """Items to which nothing was added yet."""
        self.unasked: Partitions = defaultdict(dict)
        """Items to which something was added, but of which no model was asked."""

    def __len__(self) -> int:
        return sum(len(items) for some in (self.bare, self.unasked) for items in some.values())

    def put(self, item_id: str, known: Known) -> None:
        """An item is new or has changed."""
        enhanced = known.facts.enhanced
        if not known.facts.worth:
            return
        if enhanced is None:
            self.bare[known.partition][item_id] = known
        elif self._asks and not enhanced.asked:
            self.unasked[known.partition][item_id] = known

    def put_last(self, item_id: str, known: Known) -> None:
        """Nothing can be done for an item now: others come first, where it still waits."""
        for items in (self.bare[known.partition], self.unasked[known.partition]):
            if items.get(item_id) is known:
                items[item_id] = items.pop(item_id)

    def discard(self, item_id: str, partition: int) -> None:
        """An item is gone, or was dealt with; unknown ones are no error."""
        self.bare[partition].pop(item_id, None)
        self.unasked[partition].pop(item_id, None)
