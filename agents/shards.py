"""
The state of one partition: the value of each key, decoded only while somebody asks for it.

What was restored, and what nobody has asked for of late, is kept in the bytes of the changelog.
A profile of 50 interactions takes 2.7 KB so, and 14 KB of Python's objects otherwise; 100,000 of
them would take a start 2 s to make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, NoReturn, Protocol, TypeVar

V = TypeVar("V")


class State(Protocol[V]):
    """What a fold needs of a shard."""

    def peek(self, key: str) -> V | None:
        """The value of a key; None when there is none."""

    def put(self, key: str, value: V | None) -> None:
        """Set the value of a key; None removes it."""


class Sharded(Protocol[V]):
    """What an agent needs of a table."""

    def shard(self, partition: int) -> State[V]:
        """The state of a partition that this worker owns."""


def _never(key: str, value: bytes) -> NoReturn:
    raise TypeError(f"{key!r}: {len(value)} bytes in a shard that was not told how to unpack")


class Shard(Generic[V]):
    """
    The values of one partition's keys.

    Whoever is at work on an event keeps the shard it began with: when the partition moves away
    meanwhile, its change ends in an orphan and not in a state restored since.

    >>> shard = Shard({"ann": 1}, packed={"joe": b"3"}, unpack=lambda key, value: int(value))
    >>> shard.put("eve", 2)
    >>> shard.peek("ann"), shard.peek("eve"), shard.peek("joe"), shard.take_dirty()
    (1, 2, 3, [('eve', 2)])
    """

    def __init__(
        self,
        values: dict[str, V] | None = None,
        *,
        packed: dict[str, bytes] | None = None,
        unpack: Callable[[str, bytes], V] = _never,
    ) -> None:
        """
        Begin with what the changelog says.

        Args:
            values: By key.
            packed: More of them, as they stand on the changelog; each key is in one of both.
            unpack: Key and bytes to the value.
        """
        self._values = {} if values is None else values
        self._former: dict[str, V] = {}
        """What was asked for before the last `age`, and not since."""
        self._packed = {} if packed is None else packed
        self._unpack = unpack
        self._dirty: dict[str, None] = {}

    def peek(self, key: str) -> V | None:
        """The value of a key; None when there is none."""
        value = self._values.get(key)
        return self._fetch(key) if value is None else value

    def put(self, key: str, value: V | None) -> None:
        """Set the value of a key; None removes it."""
        if key not in self._values:
            self._former.pop(key, None)
            self._packed.pop(key, None)
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value
        self._dirty[key] = None

    def take_dirty(self) -> list[tuple[str, V | None]]:
        """Key and value of every change since the last call; a value of None is a removal."""
        dirty, self._dirty = self._dirty, {}
        return [(key, self.peek(key)) for key in dirty]

    def mark_dirty(self, keys: Iterable[str]) -> None:
        """These were taken and could not be written."""
        self._dirty.update(dict.fromkeys(keys))

    def __len__(self) -> int:
        return len(self._values) + len(self._former) + len(self._packed)

    # what is packed

    def pack(self, encode: Callable[[V], bytes], *, most: int) -> int:
        """
        Pack what was asked for before the last `age` and not since.

        Args:
            encode: The way back of `unpack`.
            most: Values to pack now.

        Returns:
            How many were packed; 0 when there is nothing left to pack.
        """
        keys = [key for key, _ in zip(self._former, range(most), strict=False)]
        for key in keys:
            self._packed[key] = encode(self._former[key])
            del self._former[key]
        return len(keys)

    def age(self) -> None:
        """From now on all can be packed that is not asked for again; `pack` has nothing left."""
        self._former |= self._values
        self._values = {}

    def _fetch(self, key: str) -> V | None:
        """The value of a key that was not asked for of late."""
        if key in self._former:
            value = self._values[key] = self._former.pop(key)
        elif key in self._packed:
            value = self._values[key] = self._unpack(key, self._packed[key])
            del self._packed[key]
        else:
            return None
        return value
