"""Before a partition is read, its log is held against what was read and what state contains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from faust.types import TP

from agents.safety.positions import Contained
from streams.errors import LogReplaced
from streams.profiles import Profile, contained
from tests.support.changelogs import PROFILES, Changelogs, Owning
from tests.support.offline import ELSEWHERE, EVENTS, Reading

mended = pytest.mark.parametrize("reading", [True], ids=["mended"], indirect=True)


def prepared(
    reading: Reading, *, ends: Mapping[TP, int], state: Mapping[TP, Contained] | None = None
) -> Any:
    """A consumer whose partitions end there."""
    consumer = reading.consumer

    async def at_the_beginning(*partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, 0)

    async def at_the_end(*partitions: TP) -> dict[TP, int]:
        return {tp: ends[tp] for tp in partitions}

    consumer.earliest_offsets, consumer.highwaters = at_the_beginning, at_the_end
    consumer.transport.contained = lambda asked: {
        tp: found for tp, found in (state or {}).items() if tp in asked
    }
    return consumer


@mended
async def test_partitions_that_end_where_they_were_read_up_to_are_read_on(
    reading: Reading,
) -> None:
    state = {EVENTS: Contained("profiles", 6), ELSEWHERE: Contained("profiles", -1)}
    consumer = prepared(reading, ends={EVENTS: 7, ELSEWHERE: 0}, state=state)
    consumer._read_offset[EVENTS] = 7
    await consumer._compare_with_logs()


@mended
async def test_a_commit_beyond_the_end_refuses_the_assignment(reading: Reading) -> None:
    consumer = prepared(reading, ends={EVENTS: 7, ELSEWHERE: 0})
    consumer._read_offset[EVENTS] = 8
    with pytest.raises(LogReplaced, match="events-0 ends at 7, offset 8 was to be read next"):
        await consumer._compare_with_logs()


@mended
async def test_state_from_the_future_refuses_the_assignment(reading: Reading) -> None:
    """Kafka forgets what was committed together with the topic; only the state tells then."""
    state = {ELSEWHERE: Contained("profiles", 0)}
    consumer = prepared(reading, ends={EVENTS: 7, ELSEWHERE: 0}, state=state)
    with pytest.raises(LogReplaced, match="events-1 ends at 0, profiles-1 contains its offset 0"):
        await consumer._compare_with_logs()


@mended
async def test_a_log_made_anew_while_it_is_read_is_held_against_what_was_dealt_with(
    reading: Reading,
) -> None:
    state = {EVENTS: Contained("profiles", -1)}  # as of the start
    consumer = prepared(reading, ends={EVENTS: 7}, state=state)
    consumer.done[EVENTS] = 9
    with pytest.raises(LogReplaced, match="events-0 ends at 7, profiles-0 contains its offset 9"):
        consumer.refuse_shortened({EVENTS: 7})


async def test_restoring_tells_up_to_where_the_source_is_contained(logs: Changelogs) -> None:
    for key, value in ((b"ann", b"9"), (b"ann", b"4"), (b"eve", b"7")):
        logs.write(key, value, topic=PROFILES)
    owning = Owning(logs)
    owning.profiles.contained = lambda value, partition: value if partition == 0 else -1
    await owning.restore(1, events=[0, 1])
    assert owning.profiles.restored == {0: 7, 1: -1}


async def test_state_that_does_not_tell_what_it_contains_is_never_from_the_future(
    logs: Changelogs,
) -> None:
    logs.write(b"ann", b"9", topic=PROFILES)
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    assert owning.profiles.restored == {0: -1}


def test_a_profile_contains_what_it_was_folded_from_on_its_own_partition_only() -> None:
    profile = Profile(partition=2, offset=9)
    assert [contained(profile, partition) for partition in (1, 2)] == [-1, 9]
    assert contained(Profile(), 2) == -1
