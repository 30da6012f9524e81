"""The load, without a broker."""

from __future__ import annotations

import socket
import subprocess
import sys

import msgspec
import pytest

from agents.testing import SmallOutbox, run_at_once
from benchmarks.refolding import GAINS
from benchmarks.soak.crowd import Crowd
from benchmarks.soak.driving import Order, Sending, Sent
from streams.events import Interaction, decode_event
from tests.support.clocks import Clock

ORDER = Order("nowhere:1", rate=100.0, seconds=2.0, users=50, seed=1, item_ids=("a", "b", "c"))


def at(*moments: float) -> tuple[list[Sent], SmallOutbox]:
    """The reports of a load that is looked after at these seconds since its beginning."""
    clock, outbox = Clock(1_000.0), SmallOutbox()
    crowd = Crowd(ORDER.item_ids, users=ORDER.users, seed=ORDER.seed)
    reports: list[Sent] = []

    async def send() -> None:
        sending = Sending(ORDER, crowd, outbox, clock=clock)
        for moment in moments:
            clock.now = 1_000.0 + moment
            await sending.catch_up()
            await outbox.settle()
            reports.append(sending.report())

    run_at_once(send())
    return reports, outbox


def test_what_is_due_is_sent_and_no_more() -> None:
    reports, outbox = at(0.0, 0.5, 1.0)
    assert [report.sent for report in reports] == [0, 50, 100]
    assert len(outbox.on("events")) == 100


def test_a_load_that_was_held_up_makes_up_for_it_and_says_so() -> None:
    reports, _ = at(0.015, 1.015, 1.025)
    assert [report.sent for report in reports] == [1, 101, 102]
    assert [report.late for report in reports] == pytest.approx([0.01, 1.0, 0.01], abs=0.011)


def test_it_ends_with_its_order() -> None:
    reports, outbox = at(1.0, 60.0)
    assert reports[-1].sent == 200
    assert len(outbox.on("events")) == 200


def test_what_is_sent_are_events_of_their_users() -> None:
    _, outbox = at(2.0)
    for posted in outbox.on("events"):
        event = decode_event(posted.key, posted.value, gains=GAINS, received_at=2e9, max_ahead=1.0)
        assert isinstance(event, Interaction)
        assert event.at is not None
        assert event.at > 1.7e9


def test_the_load_ends_when_whoever_ordered_it_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        order = msgspec.structs.replace(ORDER, bootstrap=f"{host}:{port}")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.soak.driving"],
            input=msgspec.json.encode(order) + b"\n",
            capture_output=True,
            timeout=30,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")
