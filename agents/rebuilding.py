"""
An index built from the log alone: nothing of what a worker has now is looked at.

The log is read to its end first, and only what is left of it then goes into the index: a fresh
index has no tombstones, and every item costs its 0.5 ms once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from agents.decoding import read_vectors
from agents.drafts import READ_WAIT, Draft
from agents.known import known_of
from agents.proof import lasts_of
from agents.stretches import Last
from indexes.embedding import DIM
from indexes.images import Snapshottable
from streams.errors import IndexUnfit, SetupError
from streams.kafka import LogReader, Record
from streams.vectors import VectorRecord

CHUNK = 64
"""Items added between two steps of the progress: some 30 ms."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is."""

    what: str
    """What is being done."""
    done: int
    total: int
    items: int
    """Items so far."""


OnStep = Callable[[Step], None]


# asyncio writes out what a main task has returned, at its end, for nobody: 6,000 vectors took 50 s.
@dataclass(slots=True, repr=False)
class Newest:
    """What is left of a log when all of it has been read."""

    vectors: dict[str, VectorRecord] = field(default_factory=dict)
    """By item."""
    offsets: dict[int, int] = field(default_factory=dict)
    """Partition to the next offset to read."""
    lasts: dict[int, Last] = field(default_factory=dict)
    """Partition to its last record."""
    records: int = 0
    refused: int = 0
    """Records that could not be used."""
    first_refused: str = ""
    """Where the first of them stands, and why."""

    def take(self, records: list[Record], *, fingerprint: bytes) -> None:
        """Of records with the same key the newest that can be used counts."""
        changes = read_vectors(records, dim=DIM, fingerprint=fingerprint, refuse=self._refuse)
        self.vectors.update(changes.vectors)
        for item_id in changes.gone:
            self.vectors.pop(item_id, None)
        self.records += len(records)
        self.lasts |= lasts_of(records)

    def _refuse(self, record: Record, error: Exception) -> None:
        self.refused += 1
        if self.refused == 1:
            place = f"{record.topic}-{record.partition}-{record.offset}"
            self.first_refused = f"{place}: {error}"


async def read_newest(reader: LogReader, *, fingerprint: bytes, on_step: OnStep) -> Newest:
    """
    Read a log of vectors from its beginning to the end it has at start.

    Raises:
        SetupError: There is no item on it.
    """
    newest = Newest()
    try:
        await reader.start()
        total = sum(reader.ends.values()) - sum(reader.begins.values())
        while reader.behind:
            newest.take(await reader.read(wait=READ_WAIT), fingerprint=fingerprint)
            done = total - reader.behind
            on_step(Step(f"reading {reader.topic}", done, total, len(newest.vectors)))
        newest.offsets = dict(reader.positions)
    finally:
        await reader.stop()
    if not newest.vectors:
        raise SetupError(_nothing(reader.topic, newest))
    return newest


def _nothing(topic: str, newest: Newest) -> str:
    if newest.refused:
        return (
            f"topic {topic!r} has no vector that can be used, {newest.refused:,} were refused, the "
            f"first: {newest.first_refused}: send the items again with `headwater ingest items`"
        )
    return (
        f"topic {topic!r} has no items, so there is no index to build: send some with "
        "`headwater ingest items`, to a running worker that encodes them"
    )


@dataclass(frozen=True, slots=True)
class Built:
    """An index that may serve."""

    draft: Draft
    seconds: float
    """Time to build and try it."""
    recall: float | None
    """Share of what exact search finds that it finds."""


def build(
    newest: Newest,
    *,
    fingerprint: bytes,
    new_index: Callable[[int], Snapshottable],
    on_step: OnStep,
) -> Built:
    """
    Put what is left of a log into a new index, and try that.

    Args:
        newest: What is left.
        fingerprint: Of their encoder.
        new_index: Makes an empty index, given how many items there are.
        on_step: Told now and then.

    Raises:
        IndexUnfit: The canary finds fault with the index.
    """
    began = time.monotonic()
    items = [(item_id, record.vector) for item_id, record in newest.vectors.items()]
    index = new_index(len(items))
    for start in range(0, len(items), CHUNK):
        index.upsert_many(items[start : start + CHUNK])
        done = min(start + CHUNK, len(items))
        on_step(Step("building the index", done, len(items), done))
    finding = index.examine()
    if finding.fault is not None:
        raise IndexUnfit(f"the new index is not fit to serve, nothing was changed: {finding.fault}")
    seconds = time.monotonic() - began
    index.count_from(1, seconds=seconds)
    known = {item_id: known_of(record) for item_id, record in newest.vectors.items()}
    draft = Draft(index, known, newest.offsets, newest.lasts, fingerprint)
    return Built(draft, seconds, finding.recall)
