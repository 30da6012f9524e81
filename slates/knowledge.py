"""What a slate is made from, as the builder sees it: the replicas of a worker stand behind it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from slates.crowd import Crowd
from slates.shelf import Place, Shelf
from streams.items import ItemFacts
from streams.requests import Filters
from streams.trends import Trend


class Neighbour(Protocol):
    """An item near a query."""

    @property
    def item_id(self) -> str:
        """Which item."""

    @property
    def similarity(self) -> float:
        """Cosine, -1 to 1."""


class Neighbours(Protocol):
    """An index of item vectors."""

    def search(
        self,
        queries: NDArray[np.float32],
        *,
        n: int,
        within: Collection[str] | None = None,
    ) -> Sequence[Sequence[Neighbour]]:
        """The n nearest items of each of the (q, dim) queries, best first."""

    def vectors(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """The (k, dim) unit vectors of items, in the order given; KeyError for unknown ones."""

    def __contains__(self, item_id: object) -> bool:
        """Does the index hold the item?"""


class Knowledge(Protocol):
    """Everything known of items at one moment."""

    @property
    def index(self) -> Neighbours:
        """The vectors."""

    @property
    def crowd(self) -> Crowd:
        """All trends, by rows."""

    @property
    def shelf(self) -> Shelf:
        """The live items, by rows of the crowd."""

    def weights(self, strategy: str) -> Mapping[str, float]:
        """What a strategy's ranker has learned; empty before its first lesson."""

    def facts(self, item_id: str) -> ItemFacts | None:
        """Title, tags and attributes; None for an item nobody announced."""

    def words(self, item_id: str) -> Sequence[Place]:
        """The words of the item's attributes, each with the attribute's name."""

    def trend(self, item_id: str) -> Trend:
        """How the item is doing; `Trend()` when nobody has touched it."""

    def standing(self, item_id: str) -> float:
        """`streams.trends.standing` of the item's trend; -inf when nobody has touched it."""

    def popular(self, n: int) -> Sequence[str]:
        """The n most popular live items, best first."""

    def fresh(self, now: float, *, within: float, n: int) -> Sequence[str]:
        """The n newest live items published at most `within` seconds before `now`."""

    def share(self, name: str, word: str) -> float:
        """Share of live items that have the word among an attribute's; 0 to 1."""

    def worded(self, words: str, *, n: int) -> Sequence[tuple[str, float]]:
        """The n live items with most of some words, best first, and how much they have of them."""

    def matching(self, filters: Filters) -> set[str]:
        """The live items that have all the attributes asked for."""
