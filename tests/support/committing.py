"""Tables and what makes them durable, with everything that is handed to them."""

from collections.abc import Mapping
from typing import Any

from agents.keeping import Place
from agents.safety.lease import Lease
from agents.shards import Shard
from agents.stretches import Stretch
from agents.tables import Commits, FoldTable
from agents.testing import SmallOutbox


def refuse_to_encode(value: str) -> bytes:
    if value == "broken":
        raise ValueError(value)
    return value.encode()


def table_of(name: str, *, owning: tuple[int, ...] = ()) -> FoldTable[str]:
    table: FoldTable[str] = FoldTable(
        source="shop.events", changelog=f"shop.{name}", encode=refuse_to_encode, decode=bytes.decode
    )
    table.give({partition: Shard() for partition in owning})
    return table


class Committing:
    """Two tables of four partitions, an outbox, and a lease whose clock is set by hand."""

    def __init__(self, **outbox: Any) -> None:
        self.diary: list[str] = []
        self.now = 0.0
        self.outbox = SmallOutbox(diary=self.diary, **outbox)
        self.lease = Lease(session=10.0, clock=lambda: self.now)
        self.kept: list[Mapping[Place, Stretch | None]] = []
        self.commits = Commits(
            self.outbox,
            lease=self.lease,
            keep=self.kept.append,
            on_commit=lambda: self.diary.append("done"),
        )
        owning = (0, 1, 2, 3)
        self.profiles = table_of("profiles", owning=owning)
        self.trends = table_of("trends", owning=owning)
        self.commits.tables += [self.profiles, self.trends]

    def put_many(self, count: int) -> None:
        for number in range(count):
            self.profiles.shard(1).put(f"user-{number}", "one")
