"""Topics that got other partitions, and others in the group: each is named with what to do."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

import pytest
from aiokafka.errors import InconsistentGroupProtocolError

import agents.lookout
from agents.lookout import ASSIGNOR, Lookout, require_group, strangers
from agents.roles import ROLES, group_of, read_by
from agents.settings import Settings
from agents.testing import NOWHERE
from streams.errors import GroupShared, TopicMismatch
from streams.kafka import Broker, Member
from streams.topics import Topics

NAMES = Topics(prefix="shop.", partitions=4)
READS = frozenset({"shop.events", "shop.slate-requests"})
WORKER = Member("faust-0.15.3", "10.0.0.1", ASSIGNOR, READS, READS)
BILLING = Member("billing", "10.0.0.7", ASSIGNOR, frozenset({"shop.events"}), frozenset())
GO_BACK = "before they came .* --to-datetime … --execute --group shop.headwater --topic shop.events"
PLAIN = Member("reports", "10.0.0.8", "range", READS, READS)


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> list[Member]:
    """Who is in the group."""
    members: list[Member] = []

    async def found(_: Broker, name: str) -> list[Member]:
        assert name == "shop.headwater"
        return members

    monkeypatch.setattr(agents.lookout, "group_members", found)
    return members


def looking(**counts: int) -> Lookout:
    """With the numbers of partitions that a broker tells."""

    async def asked(names: Collection[str]) -> Mapping[str, int]:
        assert set(names) == set(NAMES.partition_counts())
        return {name: counts.get(name.removeprefix("shop."), 4) for name in names}

    return Lookout(NOWHERE, NAMES, group="shop.headwater", reads=READS, counts=asked)


# -- topics


async def test_topics_as_they_were_are_left_alone() -> None:
    await looking().check_topics()


@pytest.mark.parametrize("topic", ["events", "profiles", "recommendations"])
async def test_added_partitions_are_named_with_the_way_out(topic: str) -> None:
    with pytest.raises(TopicMismatch) as caught:
        await looking(**{topic: 6}).check_topics()
    said = str(caught.value)
    assert said.startswith(f"topic 'shop.{topic}' has 6 partitions, expected 4: ")
    assert "Kafka cannot take them away: stop producers and workers" in said


async def test_a_topic_of_which_the_broker_tells_nothing_is_left_alone() -> None:
    async def nothing(_: Collection[str]) -> Mapping[str, int]:
        return {}

    lookout = Lookout(NOWHERE, NAMES, group="shop.headwater", reads=READS, counts=nothing)
    await lookout.check_topics()


# -- the group


def test_workers_with_the_same_roles_are_no_strangers() -> None:
    assert strangers([WORKER, WORKER], reads=READS) == []


def test_who_reads_other_topics_or_divides_otherwise_is_a_stranger() -> None:
    assert strangers([WORKER, BILLING, PLAIN], reads=READS) == [BILLING, PLAIN]


def test_roles_that_can_be_in_one_group_read_different_topics() -> None:
    """So that a worker with other roles is a stranger."""
    settings = Settings()
    mixed = [("profiling", "recommending"), ("profiling", "recommending", "trending"), ROLES]
    assert {group_of(settings, roles) for roles in mixed} == {settings.group}
    assert len({read_by(settings, roles) for roles in mixed}) == len(mixed)


@pytest.mark.parametrize("members", [[], [WORKER]], ids=["nobody", "workers"])
async def test_a_worker_joins_its_own(group: list[Member], members: list[Member]) -> None:
    group += members
    await require_group(NOWHERE, group="shop.headwater", reads=READS)


async def test_a_worker_that_would_join_others_is_told_who_they_are(group: list[Member]) -> None:
    group += [WORKER, PLAIN]
    with pytest.raises(GroupShared) as caught:
        await require_group(NOWHERE, group="shop.headwater", reads=READS)
    assert str(caught.value).startswith(
        "group 'shop.headwater' is in use by reports at 10.0.0.8 (reads shop.events, "
        "shop.slate-requests, divides by range); this worker reads shop.events, "
        "shop.slate-requests and divides by faust; "
    )


async def test_a_stranger_that_was_given_nothing_of_ours_is_named_once(
    group: list[Member], caplog: pytest.LogCaptureFixture
) -> None:
    lookout = looking()
    group += [WORKER, BILLING]
    await lookout.check_group()
    await lookout.check_group()
    (said,) = (r.getMessage() for r in caplog.records if r.levelno == logging.ERROR)
    assert "billing at 10.0.0.7" in said
    assert "they were given none of these topics" in said


async def test_a_stranger_that_comes_again_is_named_again(
    group: list[Member], caplog: pytest.LogCaptureFixture
) -> None:
    lookout = looking()
    for members in ([WORKER, BILLING], [WORKER], [WORKER, BILLING]):
        group[:] = members
        await lookout.check_group()
    assert len(caplog.records) == 2


async def test_a_stranger_that_was_given_our_events_ends_the_worker(group: list[Member]) -> None:
    group += [WORKER, BILLING._replace(owns=frozenset({"shop.events"}))]
    with pytest.raises(GroupShared, match=GO_BACK):
        await looking().check_group()


async def test_who_turns_us_away_is_named(group: list[Member]) -> None:
    group.append(PLAIN)
    why = await looking().explain(InconsistentGroupProtocolError())
    assert isinstance(why, GroupShared)
    assert "reports at 10.0.0.8" in str(why)


async def test_who_turns_us_away_and_does_not_show_is_named_as_somebody(
    group: list[Member],
) -> None:
    why = await looking().explain(InconsistentGroupProtocolError())
    assert "is in use by another application" in str(why)


async def test_other_errors_of_the_coordinator_stay_what_they_are() -> None:
    error = ConnectionError("gone")
    assert await looking().explain(error) is error
