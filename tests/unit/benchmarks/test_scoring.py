"""The cost of one event: both contenders see the same stream, and the page says what they took."""

from benchmarks.scoring import Scoring, measure, section


def test_both_are_timed_for_the_same_events() -> None:
    found = measure(60, warm=40, timed=7)
    assert found.visited <= 47
    assert {name: len(times) for name, times in found.seconds.items()} == {
        "headwater": 7,
        "numpy-sum": 7,
    }
    assert all(rank > 0 and learn > 0 for each in found.seconds.values() for rank, learn in each)


def test_the_page_has_milliseconds_and_the_ratio_of_both_together() -> None:
    found = Scoring(10_000, visited=5_000)
    found.seconds["headwater"] = [(0.003, 0.001), (0.003, 0.001), (0.900, 0.001)]
    found.seconds["numpy-sum"] = [(0.0005, 0.0005)]
    row = section([found]).strip().splitlines()[-1]
    assert row == "| 10,000 | 5,000 | 3.00 | 1.00 | 4.00 | 1.00 | 4.0 |"
