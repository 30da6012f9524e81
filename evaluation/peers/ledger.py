"""What every peer keeps: items and users by number, and who has had what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from evaluation.contender import Observation
from streams.errors import CapacityExceeded
from streams.items import Item

Floats: TypeAlias = NDArray[np.floating]

MOST_ITEMS = 20_000
"""Items of a peer that keeps a matrix of them: 1.6 GB of floats."""


class Ledger:
    """
    Numbers in the order of first sight; they never change.

    >>> ledger = Ledger()
    >>> ledger.add(Observation("ann", "dune", at=1.0))
    (0, 0)
    >>> ledger.history("ann"), ledger.history("bob")
    ([0], [])
    """

    def __init__(self) -> None:
        self.items: list[str] = []
        self._numbers: dict[str, int] = {}
        self._users: dict[str, int] = {}
        self._histories: list[list[int]] = []
        self._had: list[set[int]] = []

    def announce(self, items: Sequence[Item]) -> None:
        """Give the items of a catalogue numbers."""
        for item in items:
            self.number(item.item_id)

    def number(self, item_id: str) -> int:
        """The number of an item."""
        if item_id not in self._numbers:
            self._numbers[item_id] = len(self.items)
            self.items.append(item_id)
        return self._numbers[item_id]

    def user(self, user_id: str) -> int | None:
        """The number of a user; None of one without events."""
        return self._users.get(user_id)

    def histories(self) -> Sequence[Sequence[int]]:
        """The histories of all users, by number."""
        return self._histories

    def add(self, observation: Observation) -> tuple[int, int]:
        """Enter what happened; returns the numbers of the user and the item."""
        item = self.number(observation.item_id)
        user = self._users.setdefault(observation.user_id, len(self._histories))
        if user == len(self._histories):
            self._histories.append([])
            self._had.append(set())
        self._histories[user].append(item)
        self._had[user].add(item)
        return user, item

    def history(self, user_id: str) -> list[int]:
        """The items of a user, oldest first, repeats included."""
        user = self.user(user_id)
        return [] if user is None else self._histories[user]

    def had(self, user_id: str) -> set[int]:
        """The items of a user."""
        user = self.user(user_id)
        return set() if user is None else self._had[user]

    def best(self, scores: Floats, user_id: str, *, n: int, repeats: bool) -> list[str]:
        """
        The items with the `n` highest scores; of equal ones the item seen first.

        Args:
            scores: One for each item, by number.
            user_id: Whose items are left out unless `repeats`.
            n: How many; fewer where there are no more.
            repeats: Whether items that the user has had may come.
        """
        scores = np.array(scores, dtype=float)
        hidden = 0 if repeats else len(self.had(user_id))
        if hidden:
            scores[list(self.had(user_id))] = -np.inf
        order = top(scores, min(n, len(scores) - hidden))
        return [self.items[i] for i in order]


def top(scores: Floats, n: int) -> list[int]:
    """
    The places of the `n` highest, best first, equal ones in their order.

    >>> top(np.array([1.0, 3.0, 2.0, 3.0]), 3)
    [1, 3, 2]
    """
    if n <= 0:
        return []
    if n < len(scores):
        least = np.partition(scores, len(scores) - n)[len(scores) - n]
        chosen = np.flatnonzero(scores >= least)
    else:
        chosen = np.arange(len(scores))
    order = np.argsort(-scores[chosen], kind="stable")[:n]
    return [int(i) for i in chosen[order]]


def grown(old: Floats, size: int) -> Floats:
    """
    An array whose every side holds `size` places, doubled when it must grow; new ones are 0.

    >>> grown(np.ones((2, 2)), 3).shape
    (4, 4)
    """
    if size <= old.shape[0]:
        return old
    new = np.zeros([max(size, 2 * side) for side in old.shape], old.dtype)
    new[tuple(slice(side) for side in old.shape)] = old
    return new


def check_size(items: int) -> None:
    """Refuse a matrix of more items than fit; a `CapacityExceeded` says what to do."""
    if items > MOST_ITEMS:
        raise CapacityExceeded(
            f"{items:,} items: a peer that keeps a matrix of them takes {MOST_ITEMS:,} at most; "
            "leave out item-knn, skip-markov and numpy-sum with --peers"
        )
