"""Copies are loaded before anybody knows what will be owned, values when they are asked for."""

import asyncio

import msgspec
import pytest

from agents.keeping import Kept, Place
from streams.errors import ChangelogUnreadable
from tests.support.changelogs import PROFILES, Changelogs, Owning
from tests.support.copies import begun, failures, settled

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
