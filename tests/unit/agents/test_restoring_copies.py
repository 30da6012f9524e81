"""What was kept in local files is what the changelog says, or it is not used."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agents.restoring
import agents.tails
from agents.aging import MAX_AGE
from agents.keeping import Kept, Place
from agents.safety.lease import Lease
from agents.tables import Commits
from agents.testing import SmallOutbox
from streams.errors import ChangelogUnreadable
from streams.kafka import Run
from streams.origins import Origin
from tests.support.changelogs import (
    PROFILES,
    Changelogs,
    Owning,
)


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


# -- values that nobody has asked for yet


async def restarted(logs: Changelogs) -> Owning:
    """A worker that has found ann, eve and joe in its copies, and has a profile for each."""
    await begun(logs)
    return Owning(logs)


async def test_of_what_was_kept_only_a_glance_is_taken_until_somebody_asks(
    logs: Changelogs,
) -> None:
    after = await restarted(logs)
    decoded: list[bytes] = []

    def decode(value: bytes) -> int:
        decoded.append(value)
        return int(value)

    after.profiles.decode = decode  # type: ignore[method-assign]
    after.profiles._glance = int
    logs.write(b"eve", b"2", topic=PROFILES)
    await after.restore(1, events=[0])
    assert decoded == [b"1", b"2"]  # what stands on the log is decoded to see that it can be
    assert after.profiles.shard(0).peek("ann") == 1
    assert decoded == [b"1", b"2", b"1"]
    assert len(after.profiles) == 3


async def test_a_later_layout_in_a_copy_is_named_at_the_start(logs: Changelogs) -> None:
    after = await restarted(logs)

    def refuse(value: bytes) -> int:
        raise msgspec.ValidationError("layout version 9")

    after.profiles._glance = refuse
    with pytest.raises(ChangelogUnreadable, match=r"kept in .*, key b'ann': layout version 9"):
        await after.restore(1, events=[0])
    assert after.profiles.shards == {}


async def test_what_turns_out_later_to_be_undecodable_is_named_when_it_is_asked_for(
    logs: Changelogs,
) -> None:
    after = await restarted(logs)
    after.profiles._glance = int
    await after.restore(1, events=[0])
    after.profiles.decode = msgspec.json.Decoder(str).decode  # type: ignore[assignment]
    with pytest.raises(ChangelogUnreadable, match=r"before offset 3, kept in .*, key b'ann'"):
        after.profiles.shard(0).peek("ann")


async def test_a_glance_tells_up_to_where_the_source_is_contained(logs: Changelogs) -> None:
    after = await restarted(logs)
    after.profiles.contained = lambda value, partition: value
    after.profiles._glance = lambda value: 10 * int(value)
    logs.write(b"eve", b"7", topic=PROFILES)
    await after.restore(1, events=[0])
    assert after.profiles.restored == {0: 10}


# -- what is loaded before anybody knows what will be owned


async def test_what_was_loaded_early_is_what_is_restored_and_it_goes_on_being_kept(
    logs: Changelogs,
) -> None:
    await begun(logs)
    logs.write(b"eve", b"2", topic=PROFILES)
    after = Owning(logs)
    after.keeping.load_early([PROFILES])
    await asyncio.wait(after.keeping._early.values())
    loaded: list[Place] = []
    load = after.keeping._files.load

    def note(place: Place) -> Kept | None:
        loaded.append(place)
        return load(place)

    after.keeping._files.load = note  # type: ignore[method-assign]
    await after.restore(1, events=[0])
    assert after.values() == {"ann": 1, "eve": 2, "joe": 1}
    assert loaded == []
    await settled(after)
    last = Owning(logs)
    kept = await last.keeping.load(Place(PROFILES, 0))
    assert kept is not None
    assert kept.mark.end == 4


async def test_what_was_loaded_early_and_belongs_to_others_is_let_go(logs: Changelogs) -> None:
    await begun(logs)
    after = Owning(logs)
    after.keeping.load_early([PROFILES])
    await after.restore(1, events=[1])
    assert set(after.keeping._files._open) <= {Place(PROFILES, 1)}
    await after.restore(2, events=[0, 1])
    assert after.values() == {"ann": 1, "eve": 1, "joe": 1}


async def test_what_was_loaded_early_and_written_to_by_another_worker_is_not_taken_for_newer(
    logs: Changelogs,
) -> None:
    await begun(logs)
    after, other = Owning(logs), Owning(logs)
    after.keeping.load_early([PROFILES])
    await asyncio.wait(after.keeping._early.values())
    logs.write(b"eve", b"2", topic=PROFILES)
    await other.restore(1, events=[0])
    await settled(other)
    await after.restore(1, events=[0])
    assert after.values() == {"ann": 1, "eve": 2, "joe": 1}
    await after.keeping.flush()
    assert failures(after, "overtaken") == 1


async def test_a_damaged_copy_that_is_loaded_early_is_not_used(logs: Changelogs) -> None:
    await begun(logs)
    (path,) = logs.folder.glob("*.sqlite")
    path.write_bytes(path.read_bytes()[:3000])
    after = Owning(logs)
    after.keeping.load_early([PROFILES])
    await after.restore(1, events=[0])
    assert after.values() == {"ann": 1, "eve": 1, "joe": 1}
    assert failures(after, "damaged") == 1


async def test_a_restore_that_is_cut_off_while_it_waits_for_what_is_loaded_early_is_done_anew(
    logs: Changelogs,
) -> None:
    await begun(logs)
    after = Owning(logs)
    after.keeping.load_early([PROFILES])
    restore = asyncio.create_task(after.restore(1, events=[0]))
    await asyncio.sleep(0)
    restore.cancel()
    await asyncio.gather(restore, return_exceptions=True)
    await after.restore(2, events=[0])
    assert after.values() == {"ann": 1, "eve": 1, "joe": 1}


async def test_files_of_other_changelogs_are_not_loaded_early(logs: Changelogs) -> None:
    await begun(logs)
    folder = logs.folder
    for name in (f"{PROFILES}-old-0.sqlite", f"{PROFILES}-x.sqlite", "other-0.sqlite"):
        (folder / name).write_bytes(b"")
    after = Owning(logs)
    assert after.keeping._files.places(PROFILES) == [Place(PROFILES, 0)]
