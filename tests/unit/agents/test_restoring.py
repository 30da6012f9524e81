"""State is what the changelog says, or what it was one generation ago, and never half of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agents.restoring
import agents.tails
from agents.keeping import Keeping, Place
from agents.kept import MAX_AGE
from agents.metrics import Metrics
from agents.restoring import Restoring
from agents.safety.lease import Lease
from agents.tables import Commits, FoldTable
from agents.testing import NOWHERE, SmallOutbox
from streams.errors import ChangelogUnreadable, TopicMismatch
from streams.kafka import Broker, LogReader, Record, Run
from streams.origins import Origin

EVENTS, VISITS = "shop.events", "shop.co-visits"
PROFILES, TRENDS = "shop.profiles", "shop.item-trends"
AT_ONCE = 2
"""Records a reader returns together, so that few of them are many reads."""


class Changelogs:
    """Changelogs in memory, and every reader that was opened on them."""

    def __init__(self, folder: Path) -> None:
        self.records: list[Record] = []
        self.readers: list[SmallReader] = []
        self.partitions = 4
        """Of every topic."""
        self.folder = folder
        """Of local copies."""
        self.keepings: list[Keeping] = []
        self.on_read: Callable[[SmallReader], None] | None = None
        """Called before each read; may raise."""
        self.blocked: str | None = None
        """A topic of which nothing can be read."""

    def end(self, topic: str, partition: int) -> int:
        here = [r.offset for r in self.records if (r.topic, r.partition) == (topic, partition)]
        return max(here, default=-1) + 1

    def write(self, key: bytes, value: bytes | None, *, topic: str, partition: int = 0) -> None:
        offset = self.end(topic, partition)
        self.records.append(Record(topic, partition, offset, key, value, 0.0))

    def open(self, broker: Broker, topic: str, *, partitions: Sequence[int]) -> "SmallReader":
        reader = SmallReader(self, broker, topic, partitions)
        self.readers.append(reader)
        return reader

    async def counts(self, _: Broker) -> dict[str, int]:
        return {PROFILES: self.partitions, TRENDS: self.partitions}

    def keeping(self, metrics: Metrics) -> Keeping:
        """The local copies of one more worker."""
        self.keepings.append(Keeping(self.folder, metrics=metrics))
        return self.keepings[-1]

    def was_read(self) -> list[tuple[str, tuple[int, ...]]]:
        """Topic and partitions of each reader, and forget them."""
        opened = [(reader.topic, reader.partitions) for reader in self.readers]
        self.readers.clear()
        return opened


class SmallReader(LogReader):
    """Reads some partitions of one changelog."""

    def __init__(
        self, logs: Changelogs, broker: Broker, topic: str, partitions: Sequence[int]
    ) -> None:
        super().__init__(broker, topic, partitions=partitions)
        self.partitions = tuple(partitions)
        self.running = False
        self.stops = 0
        self._logs = logs

    def _here(self) -> list[Record]:
        return [
            r
            for r in self._logs.records
            if r.topic == self.topic and r.partition in self.partitions
        ]

    async def start(
        self, offsets: Mapping[int, int] | None = None, *, at_end: bool = False
    ) -> None:
        self.running = True
        self.ends = {p: self._logs.end(self.topic, p) for p in self.partitions}
        inside = {p: o for p, o in (offsets or {}).items() if o <= self.ends[p]}
        self.positions = {**dict.fromkeys(self.partitions, 0), **inside}

    async def read(self, *, wait: float, most: int = AT_ONCE) -> list[Record]:
        assert self.running
        if self._logs.on_read is not None:
            self._logs.on_read(self)
        if self._logs.blocked == self.topic:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        found = [r for r in self._here() if r.offset >= self.positions[r.partition]][:AT_ONCE]
        for record in found:
            self.positions[record.partition] = record.offset + 1
        return found

    async def stop(self) -> None:
        self.running = False
        self.stops += 1


@pytest.fixture
async def logs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Changelogs]:
    made = Changelogs(tmp_path / "tables")
    monkeypatch.setattr(agents.tails, "LogReader", made.open)
    monkeypatch.setattr(agents.restoring, "partition_counts", made.counts)
    yield made
    for keeping in made.keepings:
        await keeping.close()


class Owning:
    """A worker with two tables of numbers."""

    def __init__(self, logs: Changelogs) -> None:
        self.logs = logs
        self.profiles, self.trends = _table(EVENTS, PROFILES), _table(VISITS, TRENDS)
        self.metrics = Metrics()
        self.keeping = logs.keeping(self.metrics)
        self.restoring = Restoring(
            NOWHERE, [self.profiles, self.trends], keeping=self.keeping, metrics=self.metrics
        )

    async def restore(self, generation: int, events: Sequence[int] = ()) -> None:
        """Own these partitions of `events`."""
        await self.restoring.restore(generation, {EVENTS: set(events)})

    def values(self, partition: int = 0) -> dict[str, int]:
        """What a shard has."""
        return self.profiles.shard(partition)._values


def _table(source: str, changelog: str) -> FoldTable[int]:
    return FoldTable(
        source=source,
        changelog=changelog,
        encode=msgspec.json.encode,
        decode=msgspec.json.Decoder(int).decode,
    )


# -- what is restored


async def test_a_shard_has_what_its_partition_of_the_changelog_has(logs: Changelogs) -> None:
    logs.write("ann ☂".encode(), b"1", topic=PROFILES, partition=0)
    logs.write(b"eve", b"2", topic=PROFILES, partition=2)
    owning = Owning(logs)
    await owning.restore(1, events=[0, 1, 2])
    found = {p: (s.peek("ann ☂"), s.peek("eve")) for p, s in owning.profiles.shards.items()}
    assert found == {0: (1, None), 1: (None, None), 2: (None, 2)}


async def test_of_many_values_of_a_key_the_newest_wins(logs: Changelogs) -> None:
    for value in (b"1", b"2", None, b"3", b"4"):
        logs.write(b"ann", value, topic=PROFILES)
        logs.write(b"eve", b"9", topic=PROFILES)
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    assert owning.profiles.shard(0).peek("ann") == 4


async def test_a_key_whose_newest_record_is_a_tombstone_is_not_there(logs: Changelogs) -> None:
    for value in (b"1", None):
        logs.write(b"ann", value, topic=PROFILES)
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    assert (owning.profiles.shard(0).peek("ann"), len(owning.profiles)) == (None, 0)


async def test_an_older_value_that_cannot_be_decoded_does_not_matter(logs: Changelogs) -> None:
    for value in (b"{", b"1"):
        logs.write(b"ann", value, topic=PROFILES)
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    assert owning.profiles.shard(0).peek("ann") == 1


async def test_what_is_restored_is_not_owed_to_the_changelog(logs: Changelogs) -> None:
    logs.write(b"ann", b"1", topic=PROFILES)
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    assert owning.profiles.shard(0).take_dirty() == []


async def test_only_partitions_of_the_table_s_own_source_count(logs: Changelogs) -> None:
    owning = Owning(logs)
    await owning.restoring.restore(1, {EVENTS: {0, 2}, VISITS: {3}, "shop.items": {1}})
    assert logs.was_read() == [(PROFILES, (0, 2)), (TRENDS, (3,))]
    assert (set(owning.profiles.shards), set(owning.trends.shards)) == ({0, 2}, {3})


async def test_a_worker_that_owns_nothing_reads_nothing(logs: Changelogs) -> None:
    owning = Owning(logs)
    await owning.restoring.restore(1, {"shop.items": {1}})
    assert logs.was_read() == []
    assert owning.profiles.shards == {}


async def test_a_table_added_later_is_restored_too(logs: Changelogs) -> None:
    tables: list[FoldTable[int]] = []
    metrics = Metrics()
    restoring = Restoring(NOWHERE, tables, keeping=logs.keeping(metrics), metrics=metrics)
    tables.append(_table(EVENTS, PROFILES))
    await restoring.restore(1, {EVENTS: {0}})
    assert set(tables[0].shards) == {0}


async def test_how_long_restoring_took_is_told_by_changelog(logs: Changelogs) -> None:
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    family = "headwater_state_restore_seconds"
    registry = owning.metrics.registry
    assert registry.get_sample_value(family, {"changelog": PROFILES}) is not None
    assert registry.get_sample_value(family, {"changelog": TRENDS}) is None


# -- what is kept


async def test_shards_are_kept_from_one_generation_to_the_next(logs: Changelogs) -> None:
    owning = Owning(logs)
    await owning.restore(4, events=[0, 1])
    owning.profiles.shard(1).put("ann", 7)
    logs.was_read()
    await owning.restore(5, events=[1, 2])
    assert logs.was_read() == [(PROFILES, (2,))]
    assert set(owning.profiles.shards) == {1, 2}
    assert owning.profiles.shard(1).take_dirty() == [("ann", 7)]


@pytest.mark.parametrize("generation", [6, 4, 3, 1], ids=["a gap", "the same", "older", "anew"])
async def test_after_any_other_generation_than_the_next_everything_is_read_again(
    logs: Changelogs, generation: int
) -> None:
    """Somebody else may have owned it in between."""
    owning = Owning(logs)
    await owning.restore(4, events=[0])
    owning.profiles.shard(0).put("ann", 7)
    logs.write(b"ann", b"8", topic=PROFILES)
    logs.was_read()
    await owning.restore(generation, events=[0])
    assert logs.was_read() == [(PROFILES, (0,))]
    assert owning.profiles.shard(0).peek("ann") == 8
    assert owning.profiles.shard(0).take_dirty() == []


async def test_what_was_given_back_in_between_is_read_again(logs: Changelogs) -> None:
    owning = Owning(logs)
    await owning.restore(4, events=[0])
    owning.profiles.shard(0).put("ann", 7)
    await owning.restore(5)
    assert owning.profiles.shards == {}
    logs.write(b"ann", b"8", topic=PROFILES)
    await owning.restore(6, events=[0])
    assert owning.profiles.shard(0).peek("ann") == 8


# -- what can go wrong


@pytest.mark.parametrize(
    ("key", "value"), [(b"ann", b"{"), (b"\xff", b"1")], ids=["value", "key no text"]
)
async def test_what_cannot_be_decoded_is_named_with_its_place_and_key(
    logs: Changelogs, key: bytes, value: bytes
) -> None:
    logs.write(b"eve", b"1", topic=PROFILES, partition=3)
    logs.write(key, value, topic=PROFILES, partition=3)
    with pytest.raises(ChangelogUnreadable) as caught:
        await Owning(logs).restore(1, events=[3])
    assert str(caught.value).startswith(f"{PROFILES}-3-1, key {key!r}: ")


async def test_partitions_beside_one_that_cannot_be_decoded_are_not_owned_either(
    logs: Changelogs,
) -> None:
    logs.write(b"eve", b"1", topic=PROFILES, partition=0)
    logs.write(b"ann", b"{", topic=PROFILES, partition=3)
    owning = Owning(logs)
    with pytest.raises(ChangelogUnreadable):
        await owning.restore(1, events=[0, 3])
    assert owning.profiles.shards == {}


async def test_a_reader_is_stopped_when_it_is_done(logs: Changelogs) -> None:
    logs.write(b"ann", b"1", topic=PROFILES)
    await Owning(logs).restore(1, events=[0])
    assert [(reader.stops, reader.running) for reader in logs.readers] == [(1, False)]


async def test_a_reader_that_fails_is_stopped_and_leaves_nothing(logs: Changelogs) -> None:
    def fail(_: SmallReader) -> None:
        raise ConnectionError("the broker went away")

    logs.write(b"ann", b"1", topic=PROFILES)
    logs.on_read = fail
    owning = Owning(logs)
    with pytest.raises(ConnectionError):
        await owning.restore(1, events=[0])
    assert [reader.stops for reader in logs.readers] == [1]
    assert owning.profiles.shards == {}


# -- a rebalance during a restore


async def cut_off(owning: Owning, logs: Changelogs, *, generation: int) -> None:
    """Cancel a restore of partitions 0 and 1 after its first read."""
    reads = 0
    waiting: list[asyncio.Task[None]] = []

    def count(_: SmallReader) -> None:
        nonlocal reads
        reads += 1
        if reads == 2:
            waiting[0].cancel()

    logs.on_read = count
    waiting.append(asyncio.create_task(owning.restore(generation, events=[0, 1])))
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    logs.on_read = None


async def test_a_restore_that_is_cancelled_midway_leaves_nothing_half_filled(
    logs: Changelogs,
) -> None:
    for partition in (0, 1):
        for key in (b"ann", b"eve", b"joe"):
            logs.write(key, b"1", topic=PROFILES, partition=partition)
    owning = Owning(logs)
    await cut_off(owning, logs, generation=1)
    assert owning.profiles.shards == {}
    assert [(reader.stops, reader.running) for reader in logs.readers] == [(1, False)]


async def test_a_cancelled_restore_keeps_what_it_had_and_the_next_reads_the_rest(
    logs: Changelogs,
) -> None:
    for key in (b"ann", b"eve", b"joe"):
        logs.write(key, b"1", topic=PROFILES, partition=1)
    owning = Owning(logs)
    await owning.restore(4, events=[0])
    owning.profiles.shard(0).put("ann", 7)
    await cut_off(owning, logs, generation=5)
    logs.was_read()
    await owning.restore(6, events=[0, 1])
    assert logs.was_read() == [(PROFILES, (1,))]
    assert owning.profiles.shard(0).peek("ann") == 7
    assert len(owning.profiles.shard(1)) == 3


async def test_a_restore_that_is_cancelled_at_one_table_has_filled_those_before_it(
    logs: Changelogs,
) -> None:
    logs.write(b"ann", b"1", topic=PROFILES)
    logs.write(b"dune", b"1", topic=TRENDS)
    logs.blocked = TRENDS
    owning = Owning(logs)
    owned = {EVENTS: {0}, VISITS: {0}}
    restore = asyncio.create_task(owning.restoring.restore(1, owned))
    while len(logs.readers) < 2:
        await asyncio.sleep(0)
    restore.cancel()
    with pytest.raises(asyncio.CancelledError):
        await restore
    logs.blocked = None
    logs.was_read()
    await owning.restoring.restore(2, owned)
    assert logs.was_read() == [(TRENDS, (0,))]
    assert (owning.profiles.shard(0).peek("ann"), owning.trends.shard(0).peek("dune")) == (1, 1)


async def test_a_restore_lets_others_have_their_turn(logs: Changelogs) -> None:
    """Heartbeats must go on while thousands of values are decoded."""
    count = 3 * agents.restoring.DECODE_BATCH
    table = _table(EVENTS, PROFILES)
    decoded = 0
    seen: list[int] = []

    def decode(value: bytes) -> int:
        nonlocal decoded
        decoded += 1
        return int(value)

    async def others() -> None:
        while True:
            seen.append(decoded)
            await asyncio.sleep(0)

    table.decode = decode
    for number in range(count):
        logs.write(f"user-{number}".encode(), b"1", topic=PROFILES)
    other = asyncio.create_task(others())
    metrics = Metrics()
    restoring = Restoring(NOWHERE, [table], keeping=logs.keeping(metrics), metrics=metrics)
    await restoring.restore(1, {EVENTS: {0}})
    other.cancel()
    assert any(0 < number < count for number in seen)
    assert len(table) == count


async def test_an_assignment_that_the_changelog_has_no_partition_for_is_refused(
    logs: Changelogs,
) -> None:
    logs.partitions = 2
    owning = Owning(logs)
    with pytest.raises(TopicMismatch) as caught:
        await owning.restore(1, events=[1, 2])
    assert str(caught.value).startswith(f"{EVENTS}-2 is assigned to this worker")
    assert f"{PROFILES!r} has 2 partitions: give it as many as {EVENTS!r}" in str(caught.value)
    assert logs.was_read() == []


# -- local copies


async def settled(owning: Owning) -> None:
    """What was restored has been written to the local copies, and they are closed."""
    owning.logs.keepings.remove(owning.keeping)
    await owning.keeping.close()


def failures(owning: Owning, reason: str) -> float | None:
    return owning.metrics.registry.get_sample_value(
        "headwater_local_state_failures_total", {"topic": PROFILES, "reason": reason}
    )


async def begun(logs: Changelogs) -> None:
    """A worker has restored ann, eve and joe, and has ended."""
    for key in (b"ann", b"eve", b"joe"):
        logs.write(key, b"1", topic=PROFILES)
    before = Owning(logs)
    await before.restore(1, events=[0])
    await settled(before)
    logs.was_read()


async def test_after_a_restart_only_the_end_of_the_changelog_is_read(logs: Changelogs) -> None:
    await begun(logs)
    logs.write(b"eve", b"2", topic=PROFILES)
    logs.write(b"joe", None, topic=PROFILES)
    seen: list[int] = []
    logs.on_read = lambda reader: seen.append(reader.positions[0])
    after = Owning(logs)
    await after.restore(1, events=[0])
    assert after.values() == {"ann": 1, "eve": 2}
    assert seen[0] == 2  # the last record that the copy contains proves that the log is the same


async def test_what_was_read_after_a_restart_is_kept_for_the_next(logs: Changelogs) -> None:
    await begun(logs)
    logs.write(b"eve", b"2", topic=PROFILES)
    between = Owning(logs)
    await between.restore(1, events=[0])
    await settled(between)
    after = Owning(logs)
    kept = await after.keeping.load(Place(PROFILES, 0))
    assert kept is not None
    assert (kept.mark.end, kept.rows[b"eve"]) == (4, b"2")


async def test_what_moved_away_and_back_is_what_the_other_worker_made_of_it(
    logs: Changelogs,
) -> None:
    owning = Owning(logs)
    logs.write(b"ann", b"1", topic=PROFILES)
    await owning.restore(1, events=[0])
    await owning.restore(2)
    logs.write(b"ann", b"2", topic=PROFILES)
    await owning.restore(3, events=[0])
    assert owning.values() == {"ann": 2}


@pytest.mark.parametrize("length", [0, 2, 3, 9])
async def test_a_copy_of_a_log_that_was_made_anew_is_not_used(
    logs: Changelogs, length: int
) -> None:
    """Whether the new one is shorter, as long, or longer."""
    await begun(logs)
    logs.records.clear()
    for number in range(length):
        logs.write(b"new-%d" % number, b"7", topic=PROFILES)
    after = Owning(logs)
    await after.restore(1, events=[0])
    assert after.values() == {f"new-{number}": 7 for number in range(length)}
    assert failures(after, "other_log") == 1
    await settled(after)
    last = Owning(logs)
    await last.restore(1, events=[0])
    assert last.values() == after.values()
    assert failures(last, "other_log") is None


async def test_a_copy_whose_last_record_was_compacted_away_is_not_used(logs: Changelogs) -> None:
    """Nobody can tell then whether it is of this log."""
    await begun(logs)
    logs.write(b"joe", b"2", topic=PROFILES)
    del logs.records[2]
    after = Owning(logs)
    await after.restore(1, events=[0])
    assert after.values() == {"ann": 1, "eve": 1, "joe": 2}
    assert failures(after, "other_log") == 1


async def test_a_copy_older_than_the_log_remembers_removals_is_not_used(logs: Changelogs) -> None:
    await begun(logs)
    logs.records.pop(0)  # ann was removed, and the log has forgotten even that
    after = Owning(logs)
    after.keeping._files._clock = lambda: time.time() + MAX_AGE + 60
    await after.restore(1, events=[0])
    assert after.values() == {"eve": 1, "joe": 1}


async def test_a_damaged_copy_costs_the_reading_of_the_changelog_and_nothing_else(
    logs: Changelogs, caplog: pytest.LogCaptureFixture
) -> None:
    await begun(logs)
    (path,) = logs.folder.glob("*.sqlite")
    path.write_bytes(path.read_bytes()[:3000])
    after = Owning(logs)
    await after.restore(1, events=[0])
    assert after.values() == {"ann": 1, "eve": 1, "joe": 1}
    assert failures(after, "damaged") == 1
    assert str(path) in caplog.text


async def test_a_folder_that_cannot_be_written_keeps_nobody_from_working(
    logs: Changelogs, caplog: pytest.LogCaptureFixture
) -> None:
    logs.folder.write_text("in the way")
    logs.write(b"ann", b"1", topic=PROFILES)
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    await owning.restore(2, events=[0])
    assert owning.values() == {"ann": 1}
    assert failures(owning, "not_written") == 1
    assert str(logs.folder) in caplog.text


async def test_what_cannot_be_decoded_in_a_copy_is_named_with_its_file_and_key(
    logs: Changelogs,
) -> None:
    await begun(logs)
    after = Owning(logs)
    after.profiles.decode = msgspec.json.Decoder(str).decode  # type: ignore[assignment]
    with pytest.raises(ChangelogUnreadable, match=r"before offset 3, kept in .*, key b'ann'"):
        await after.restore(1, events=[0])


class WritingOutbox(SmallOutbox):
    """Writes state to the changelogs."""

    def __init__(self, logs: Changelogs) -> None:
        super().__init__()
        self._logs = logs

    async def post_many(
        self, topic: str, partition: int, records: Iterable[tuple[bytes, bytes | None]]
    ) -> Run:
        run = Run()
        for key, value in records:
            sent: asyncio.Future[Origin] = asyncio.get_running_loop().create_future()
            sent.set_result(Origin(topic, partition, self._logs.end(topic, partition)))
            self._logs.write(key, value, topic=topic, partition=partition)
            run.add(sent, 1)
        return run


class Life:
    """Workers one after the other, on the same changelogs and in the same folder."""

    def __init__(self, folder: Path) -> None:
        self.logs = Changelogs(folder)

    async def begin(self) -> None:
        """The next worker; it must know what the changelog says."""
        self.owning = Owning(self.logs)
        self.commits = Commits(
            WritingOutbox(self.logs),
            lease=Lease(session=1e9),
            keep=self.owning.keeping.add,
            on_commit=lambda: None,
        )
        self.commits.tables.append(self.owning.profiles)
        await self.owning.restore(1, events=[0, 1])
        for partition in (0, 1):
            assert self.owning.values(partition) == self.said(partition)

    def said(self, partition: int) -> dict[str, int]:
        """The newest of each key on the changelog."""
        newest = {r.key: r.value for r in self.logs.records if r.partition == partition}
        return {k.decode(): int(v) for k, v in newest.items() if k is not None and v is not None}

    async def do(self, step: tuple[str, int, str, int | None]) -> None:
        what, partition, key, value = step
        match what:
            case "put":
                self.owning.profiles.shard(partition).put(key, value)
            case "settle":
                await self.commits.settle()
            case "stop":
                await self.commits.settle()
                await self.owning.keeping.close()
                await self.begin()
            case "kill":  # at any moment: what waits is lost, what is under way may be or not
                self.owning.keeping._waiting.clear()
                await self.owning.keeping.close()
                await self.begin()
            case "other":  # somebody writes to the changelog meanwhile, as a worker cut off may
                encoded = None if value is None else b"%d" % value
                self.logs.write(key.encode(), encoded, topic=PROFILES, partition=partition)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "settle", "settle", "stop", "kill", "other"]),
        st.sampled_from([0, 1]),
        st.sampled_from(["ann", "bob", "eve"]),
        st.one_of(st.none(), st.integers(0, 9)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(steps=STEPS)
def test_however_workers_come_and_go_they_know_what_the_changelog_says(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, str, int | None]]
) -> None:
    life = Life(tmp_path_factory.mktemp("life") / "tables")

    async def live() -> None:
        await life.begin()
        for step in steps:
            await life.do(step)
        await life.do(("kill", 0, "ann", None))
        await life.owning.keeping.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents.tails, "LogReader", life.logs.open)
        patch.setattr(agents.restoring, "partition_counts", life.logs.counts)
        asyncio.run(live())
