"""Workers that are killed, stopped, frozen, added and taken away."""

from __future__ import annotations

import random
import signal
from itertools import accumulate

import pytest

from tests.support.drills import Drill
from tests.support.processes import wait_until
from tests.support.streaming import RATE, Moment

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(420)]

KILLS = 20
SHORTEST, LONGEST = 0.5, 16.0
"""Seconds between kills: during a start, while the killed one's session lasts, and at work."""


async def test_a_worker_killed_at_random_moments(drill: Drill) -> None:
    """20 x SIGKILL at random moments, started again at once."""
    worker = await drill.ready("one")
    rng = random.Random(7)
    moments = list(accumulate(rng.uniform(SHORTEST, LONGEST) for _ in range(KILLS)))
    timeline = [Moment(at, worker.kill) for at in moments]
    await drill.stream(rate=RATE, seconds=moments[-1] + 5, timeline=timeline)
    outcome = await drill.finish(patience=120)
    assert not outcome.damage
    assert not outcome.dead_letters
    assert set(outcome.exits) == {-signal.SIGKILL}


async def test_five_deploys(drill: Drill) -> None:
    """5 x SIGTERM of the only worker, 6 s apart, started again at once."""
    worker = await drill.ready("one")
    timeline = [Moment(3.0 + 6 * n, worker.redeploy) for n in range(5)]
    await drill.stream(rate=RATE, seconds=32, timeline=timeline)
    outcome = await drill.finish()
    assert not outcome.damage
    assert not outcome.dead_letters
    assert outcome.exits == (0, 0, 0, 0, 0)


async def test_a_worker_joins_and_leaves(drill: Drill) -> None:
    """A second worker joins under load, and leaves again."""
    await drill.ready("one")
    timeline = [Moment(4, lambda: drill.worker("two")), Moment(14, lambda: drill.dismiss("two"))]
    await drill.stream(rate=RATE, seconds=20, timeline=timeline)
    outcome = await drill.finish()
    assert not outcome.damage
    assert not outcome.exits
    assert outcome.longest_delay < 5.0


async def test_a_worker_frozen_for_longer_than_its_session(drill: Drill) -> None:
    """SIGSTOP of one of two workers for 10 s, with a session timeout of 6 s, then SIGCONT."""
    zombie = await drill.ready("one")
    await drill.ready("two")
    folded: list[float] = []

    def thaw() -> None:
        zombie.thaw()
        wait_until(lambda: bool(zombie.figures().samples), what="figures of the one thawed")
        folded.append(zombie.figures().total("headwater_events_folded_total"))

    timeline = [Moment(5, zombie.freeze), Moment(15, thaw)]
    await drill.stream(rate=RATE, seconds=26, timeline=timeline)
    assert zombie.figures().total("headwater_events_folded_total") > folded[0] + 10
    outcome = await drill.finish()
    assert not outcome.damage
    assert not outcome.dead_letters
    assert not outcome.exits


async def test_from_one_worker_to_three_and_back(drill: Drill) -> None:
    """Two more workers join under load, one after the other, and leave again."""
    await drill.ready("one")
    timeline = [
        Moment(3, lambda: drill.worker("two")),
        Moment(5, lambda: drill.worker("three")),
        Moment(15, lambda: drill.dismiss("two")),
        Moment(17, lambda: drill.dismiss("three")),
    ]
    await drill.stream(rate=RATE, seconds=24, timeline=timeline)
    outcome = await drill.finish()
    assert not outcome.damage
    assert not outcome.exits
