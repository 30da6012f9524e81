"""What goes wrong a thousand times is a line now and then, with a count."""

import logging

import pytest

from agents.seldom import PAUSE, Seldom


def test_the_first_is_said_and_the_next_ones_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    seldom = Seldom(clock=lambda: now[0])
    for n in range(5):
        seldom.warn("timeout", f"slate-{n}: no answer")
    now[0] = PAUSE
    seldom.warn("timeout", "slate-9: no answer")
    said = [record.message for record in caplog.records]
    assert said == ["slate-0: no answer", "slate-9: no answer; 4 more like it before"]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_another_kind_of_thing_is_said_at_once(caplog: pytest.LogCaptureFixture) -> None:
    seldom = Seldom(clock=lambda: 0.0)
    seldom.warn("timeout", "one")
    seldom.warn("refused", "two")
    assert [record.message for record in caplog.records] == ["one", "two"]
