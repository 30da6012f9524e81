"""The settings of an approximate index, each with the measurement that set it (EVIDENCE.md)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HnswParameters:
    """
    How an `indexes.items.HnswIndex` is built, searched and renewed.

    After a restore `ef` and the limits count at once, `m` and `ef_construction` from the next
    generation on.
    """

    m: int = 16
    """Links of a node per layer.  With the next and an ef of 100: recall@10 .996 and 0.27 ms a
    search at 100,000 items, 1.8 kB a vector."""

    ef_construction: int = 100
    """Breadth of the search for a new node's links: 0.25 to 0.45 ms an add."""

    ef: int = 64
    """Breadth of a search; a search for more items is as broad as they are many.  At 10,000 items
    recall@20 is .9995, and .9996 with 100 in 1.7 times the time."""

    capacity: int = 20_000
    """Labels in the smallest generation.  Address space, not memory, until it is used; twice the
    catalogue spares the rebuilds of a first load."""

    growth: float = 2.0
    """Labels of the next generation for each live item, so that a growing catalogue is rebuilt a
    logarithmic number of times."""

    fill_ratio: float = 0.9
    """Share of labels given out that starts a rebuild: resizing while queries run crashed 5 times
    out of 5, so the last tenth must outlast the build."""

    tombstone_ratio: float = 0.25
    """Share of tombstones that starts a rebuild; past 25 to 30 % they cost recall and time."""

    min_tombstones: int = 200
    """Tombstones below which a rebuild is not worth its time, whatever their share."""

    exact_share: float = 0.2
    """Below this share of eligible items comparing them all is faster, and right; filter callbacks
    cost 9 to 200 times a search."""

    adds_per_hold: int = 4
    """Adds before the lock is handed on: a search waits for 2 ms of writing at the most."""

    canary_items: int = 200
    """Items that must find themselves before a generation goes live."""

    canary_queries: int = 100
    """Searches of the canary that are compared with the oracle."""

    canary_recall: float = 0.98
    """The recall@10 they must reach; .996 is usual."""
