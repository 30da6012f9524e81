"""What was kept in local files is what the changelog says, or it is not used."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import agents.restoring
import agents.tails
from agents.aging import MAX_AGE
from agents.keeping import Place
from agents.safety.lease import Lease
from agents.tables import Commits
from agents.testing import SmallOutbox
from streams.errors import ChangelogUnreadable
from streams.kafka import Run
from streams.origins import Origin
from tests.support.changelogs import PROFILES, Changelogs, Owning
from tests.support.copies import begun, failures, settled
from tests.support.laws import law


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
    await owning.keeping.flush()
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


@law(60)
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
