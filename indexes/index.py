"""
What every vector index answers, whichever engine is behind it.

An index maps item ids to unit vectors and finds the items most similar to a query by cosine.
A search sees every change that returned before the search began.  `indexes.testing` holds the
contract suite; an engine that passes it can replace any other.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Match(NamedTuple):
    """An item found by a search."""

    item_id: str
    """The id the item was upserted under."""

    similarity: float
    """Cosine of item and query, -1 to 1, higher is better; good to about 0.001."""


@dataclass(frozen=True, slots=True)
class IndexStats:
    """What an index says about itself; cheap enough to read at every scrape."""

    live: int
    """Items that a search can find."""

    tombstones: int
    """Dead entries still in the structure; they cost memory and time, never a wrong answer."""

    generation: int
    """Counts from 1, one more after every rebuild that went live; survives a snapshot."""

    rebuild_seconds: float
    """How long the last rebuild took, whether or not it went live; 0 before the first; survives a
    snapshot."""

    rebuild_failures: int
    """Rebuilds since start that failed or whose canary found fault."""


def matches(
    ids: Sequence[str], rows: NDArray[np.intp], scores: NDArray[np.float32]
) -> list[list[Match]]:
    """
    Name what was found.

    Args:
        ids: Item ids by row.
        rows: Rows found for each query, (q, k), best first.
        scores: Their cosines, (q, k); what f32 put beyond 1 is put back.
    """
    bounded = np.clip(scores, -1.0, 1.0).tolist()
    return [
        [Match(ids[row], score) for row, score in zip(*found, strict=True)]
        for found in zip(rows.tolist(), bounded, strict=True)
    ]


class VectorIndex(Protocol):
    """
    Items by similarity.

    One thread changes the index (`upsert`, `upsert_many`, `discard`, `close`); any thread may
    search it meanwhile.  Repeating a change leaves the index as it was, so a log may be replayed
    from an offset that is too early.
    """

    @property
    def dim(self) -> int:
        """Length of every vector."""

    def upsert(self, item_id: str, vector: NDArray[Any]) -> None:
        """
        Add an item or replace its vector; never is the item missing in between.

        The vector is copied and scaled to unit length.

        Raises:
            MalformedVector: Wrong shape, NaN, infinity, or length about zero; nothing changed.
        """

    def upsert_many(self, items: Sequence[tuple[str, NDArray[Any]]]) -> None:
        """
        Upsert in the order given; of repeated ids the last wins.

        Searches may see the first items before the last are in.

        Raises:
            MalformedVector: As `upsert`; raised before the first item is applied.
        """

    def discard(self, item_id: str) -> bool:
        """Remove an item; False when there is none, which is no error."""

    def search(
        self,
        queries: NDArray[np.float32],
        *,
        n: int,
        within: Collection[str] | None = None,
    ) -> list[list[Match]]:
        """
        The `n` live items most similar to each query.

        Args:
            queries: One query a row, (q, dim), of any length but zero.
            n: Matches wanted for each query; fewer come back only when fewer are eligible.
            within: Ids that are eligible; unknown ones are ignored, None means all.

        Returns:
            For each query its matches, best first, each item at most once.

        Raises:
            MalformedVector: The queries have the wrong shape, or one is not finite or about zero.
        """

    def vectors(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """
        Unit vectors of items, (k, dim), in the order of `item_ids`; a copy.

        Raises:
            KeyError: An id is unknown.
        """

    def __contains__(self, item_id: object) -> bool: ...

    def __len__(self) -> int: ...

    def item_ids(self) -> list[str]:
        """Every live id, in no promised order."""

    def stats(self) -> IndexStats:
        """Counters as of now."""

    def close(self) -> None:
        """Abandon and join a rebuild under way; the index can still be read.  Idempotent."""
