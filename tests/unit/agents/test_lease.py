"""A worker may write only while its group is known to take it for a member."""

import asyncio

import pytest

from agents.safety.lease import Lease
from streams.errors import MembershipLost
from tests.support.clocks import Clock

SESSION = 10.0


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def lease(clock: Clock) -> Lease:
    return Lease(session=SESSION, clock=clock)


def test_a_new_lease_is_valid(lease: Lease) -> None:
    assert lease.valid


@pytest.mark.parametrize(("passed", "valid"), [(9.9, True), (10.0, False), (11.0, False)])
def test_a_lease_is_valid_for_less_than_a_session(
    lease: Lease, clock: Clock, passed: float, valid: bool
) -> None:
    clock.now += passed
    assert lease.valid is valid


def test_a_renewed_lease_is_valid_from_then_on(lease: Lease, clock: Clock) -> None:
    clock.now += 9.0
    lease.renew(clock.now)
    clock.now += 9.0
    assert lease.valid


def test_an_expired_lease_can_be_renewed(lease: Lease, clock: Clock) -> None:
    """Nobody said that the partitions were given away, and now the group says that they are not."""
    clock.now += 11.0
    lease.renew(clock.now)
    assert lease.valid


def test_an_answer_that_comes_late_counts_from_when_it_was_asked_for(
    lease: Lease, clock: Clock
) -> None:
    asked_at = clock.now
    clock.now += 11.0
    lease.renew(asked_at)
    assert not lease.valid


def test_renewing_never_goes_backwards(lease: Lease, clock: Clock) -> None:
    clock.now += 5.0
    lease.renew(clock.now)
    lease.renew(clock.now - 5.0)
    clock.now += 9.0
    assert lease.valid


def test_a_lost_lease_is_not_valid_however_often_it_is_renewed(lease: Lease, clock: Clock) -> None:
    lease.lose()
    lease.renew(clock.now)
    assert not lease.valid


def test_a_regained_lease_is_valid_for_a_session(lease: Lease, clock: Clock) -> None:
    lease.lose()
    clock.now += 50.0
    lease.regain()
    assert lease.valid
    clock.now += SESSION
    assert not lease.valid


def test_checking_a_valid_lease_does_nothing(lease: Lease) -> None:
    lease.check()


def test_checking_an_expired_lease_says_how_long_the_group_was_silent(
    lease: Lease, clock: Clock
) -> None:
    clock.now += 12.3
    with pytest.raises(MembershipLost, match=r"12\.3 s, the session timeout is 10 s: partitions"):
        lease.check()


def test_checking_a_lost_lease_raises(lease: Lease) -> None:
    lease.lose()
    with pytest.raises(MembershipLost):
        lease.check()


# -- hearing heartbeats


class Coordinator:
    """An aiokafka coordinator, as far as a lease looks at it."""

    def __init__(self) -> None:
        self.answered = True
        self.answer = asyncio.Event()
        self.resets = 0

    async def _do_heartbeat(self) -> bool:
        await self.answer.wait()
        return self.answered

    def reset_generation(self) -> None:
        self.resets += 1


@pytest.fixture
async def coordinator(lease: Lease) -> Coordinator:
    made = Coordinator()
    made.answer.set()
    lease.watch(made)
    return made


async def test_an_answered_heartbeat_renews(
    lease: Lease, clock: Clock, coordinator: Coordinator
) -> None:
    clock.now += 9.0
    assert await coordinator._do_heartbeat() is True
    clock.now += 9.0
    assert lease.valid


async def test_a_heartbeat_renews_as_of_when_it_was_sent(
    lease: Lease, clock: Clock, coordinator: Coordinator
) -> None:
    """While it was under way the group may have forgotten us: only what came before is certain."""
    coordinator.answer.clear()
    clock.now += 5.0
    heartbeat = asyncio.create_task(coordinator._do_heartbeat())
    await asyncio.sleep(0)
    clock.now += 8.0
    coordinator.answer.set()
    await heartbeat
    assert lease.valid
    clock.now += 2.0
    assert not lease.valid


async def test_a_heartbeat_without_an_answer_does_not_renew(
    lease: Lease, clock: Clock, coordinator: Coordinator
) -> None:
    coordinator.answered = False
    clock.now += 9.0
    assert await coordinator._do_heartbeat() is False
    clock.now += 2.0
    assert not lease.valid


async def test_a_group_that_does_not_know_the_worker_any_more_ends_its_lease(
    lease: Lease, coordinator: Coordinator
) -> None:
    coordinator.reset_generation()
    assert not lease.valid
    assert coordinator.resets == 1


async def test_a_heartbeat_answered_after_the_end_changes_nothing(
    lease: Lease, coordinator: Coordinator
) -> None:
    coordinator.reset_generation()
    await coordinator._do_heartbeat()
    assert not lease.valid
