"""The section of the gateway says what was measured."""

from __future__ import annotations

from benchmarks.asking import Asked
from benchmarks.clicking import Clicks
from benchmarks.crowding import Crowd, thirds
from benchmarks.gateway import WAYS, Gateway, Turn, middle
from benchmarks.pacing import Latency
from benchmarks.showing import of_gateway


def turn(p50: float, p99: float, *, failed: int = 0) -> Turn:
    return Turn(Asked(Latency(100, 100 - failed, p50, p50, p99), 0.3, failed), 0.0008)


ROUNDS = [
    dict(zip(WAYS, (turn(1.0, 2.0), turn(2.0, 8.0), turn(3.0, 9.0)), strict=True)),
    dict(zip(WAYS, (turn(2.0, 4.0), turn(3.0, 8.0), turn(3.0, 9.0)), strict=True)),
    dict(zip(WAYS, (turn(4.0, 8.0), turn(4.0, 8.0, failed=3), turn(3.0, 9.0)), strict=True)),
]
CROWD = Crowd(
    streams=1000,
    opened=2.5,
    alone=Latency(6000, 6000, 10.0, 20.0, 30.0),
    beside=Latency(6000, 5999, 11.0, 21.0, 31.0),
    memory=[100 * 2**20] * 3 + [110 * 2**20] * 3 + [120 * 2**20] * 3,
    memory_beside=[150 * 2**20] * 9,
    slow_left=0,
)
CLICKS = Clicks(Latency(100, 100, 0.08, 150.0, 180.0), [200.0, 300.0, 250.0], 19_700, "Chromium 1")


def test_ratios_are_of_one_round() -> None:
    assert middle(ROUNDS, WAYS[1], "p50") == (3.0, 1.5)


def test_memory_is_shown_in_thirds() -> None:
    assert thirds(CROWD.memory) == (100.0, 110.0, 120.0)


def test_everything_that_was_measured_is_said() -> None:
    text = of_gateway(Gateway(4_321, ROUNDS, CROWD, CLICKS))
    assert "| cached slate | 3.00 | 8.00 | 1.50 | 2.00 | 0.80 | 3 |" in text
    assert "| alone | 10.0 | 30.0 | 6,000 of 6,000 | 100, 110, 120 |" in text
    assert "| beside | 11.0 | 31.0 | 5,999 of 6,000 | 150, 150, 150 |" in text
    assert "p95 150 ms" in text
    assert "19.7 kB" in text
    assert "the longest 300 ms" in text


def test_without_a_browser_that_is_said() -> None:
    assert "no Chromium" in of_gateway(Gateway(4_321, ROUNDS, CROWD, None))
