"""What happened last to each of many, as far as memory is given to it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

MOST = 20_000
"""Users, or slates, that are remembered."""

V = TypeVar("V")


class Recent(Generic[V]):
    """
    A mapping that forgets what was put in longest ago.

    >>> recent = Recent(most=1)
    >>> recent.put("a", 1)
    >>> recent.put("b", 2)
    >>> recent.get("a"), recent.get("b")
    (None, 2)
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._values: OrderedDict[str, V] = OrderedDict()

    def put(self, key: str, value: V) -> None:
        """Remember; a key that is there comes to the end."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def forget(self, key: str) -> None:
        """As if it had never been put in."""
        self._values.pop(key, None)

    def get(self, key: str) -> V | None:
        """What was put last; None where it is forgotten."""
        return self._values.get(key)
