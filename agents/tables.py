"""
State by key, kept in memory and on a compacted changelog.

A change is remembered as dirty and written when offsets are about to be committed: once per key and
interval, however often it changed.  Outputs are made durable first, so a state on the changelog
proves that everything it caused was sent, and a repeated event can be skipped whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import faust

from streams.kafka import Outbox

V = TypeVar("V")


class State(Protocol[V]):
    """What a fold needs of a table."""

    def peek(self, key: str) -> V | None:
        """The value of a key; None when there is none."""

    def put(self, key: str, value: V | None, *, partition: int) -> None:
        """Set the value of a key that lives in a partition; None removes it."""


class FoldTable(faust.Table, Generic[V]):  # type: ignore[misc]
    """A Faust table of decoded values; Faust recovers it, we write its changelog."""

    def __init__(
        self,
        app: Any,
        *,
        name: str,
        changelog: str,
        partitions: int,
        encode: Callable[[V], bytes],
        decode: Callable[[bytes], V],
    ) -> None:
        super().__init__(
            app,
            name=name,
            partitions=partitions,
            key_type=bytes,
            value_type=bytes,
            changelog_topic=app.topic(
                changelog,
                key_type=bytes,
                value_type=bytes,
                key_serializer="raw",
                value_serializer="raw",
                partitions=partitions,
                compacting=True,
                acks=False,
                internal=True,
                maxsize=131_072,
                allow_empty=True,
            ),
        )
        self.changelog = changelog
        self._encode = encode
        self._decode = decode
        self._dirty: dict[str, tuple[int, V | None]] = {}

    def peek(self, key: str) -> V | None:
        """The value of a key; None when there is none."""
        value: V | None = self.data.data.get(key)
        return value

    def put(self, key: str, value: V | None, *, partition: int) -> None:
        """Set the value of a key that lives in a partition; None removes it."""
        if value is None:
            self.data.data.pop(key, None)
        else:
            self.data.data[key] = value
        self._dirty[key] = (partition, value)

    def take_dirty(self) -> list[tuple[int, bytes, bytes | None]]:
        """Partition, key and value of every change since the last call."""
        dirty, self._dirty = self._dirty, {}
        return [
            (partition, key.encode(), None if value is None else self._encode(value))
            for key, (partition, value) in dirty.items()
        ]

    def _to_key(self, k: bytes) -> str:
        return k.decode()

    def _to_value(self, v: bytes | None) -> V | None:
        return None if v is None else self._decode(v)

    def __iter__(self) -> Iterator[str]:
        return iter(self.data.data)


class Commits:
    """Makes durable what the worker has done; called before offsets are committed."""

    def __init__(self, outbox: Outbox, *, on_commit: Callable[[], None]) -> None:
        self._outbox = outbox
        self._on_commit = on_commit
        self.tables: list[FoldTable[Any]] = []

    async def settle(self) -> None:
        """
        Prove that all outputs have arrived, then write the state that led to them.

        Raises:
            DeliveryFailed: The broker refused something; the offsets must not move.
        """
        dirty = [(table.changelog, table.take_dirty()) for table in self.tables]
        await self._outbox.settle()
        for changelog, changes in dirty:
            for partition, key, value in changes:
                await self._outbox.post(
                    changelog, key=key, value=value, partition=partition, later=True
                )
        await self._outbox.settle()
        self._on_commit()
