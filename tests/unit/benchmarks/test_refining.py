"""What is said of revision 1 beside a model is the ratio to no model, with its interval."""

from __future__ import annotations

import numpy as np

from benchmarks.refining import DEAD, MODELS, OFF, RATE, WAYS, Plan, _asking, _Bench, section
from streams.kafka import Broker

RNG = np.random.default_rng(3)


def measured(**slower: float) -> _Bench:
    """Each way as long as off, or so many times as long; nothing is started."""
    bench = _Bench(Broker("127.0.0.1:1"), (), {}, 0, 0, Plan())
    times = RNG.gamma(4.0, 0.002, 4_000)
    for name in WAYS:
        bench.seconds[name] = list(times * slower.get(name.split()[0].strip(","), 1.0))
        bench.sent[name] = 4_001
        bench.outcomes[name] = {"failed": 7.0, "refined": 0.0}
    return bench


def test_every_trouble_of_a_model_is_measured_beside_none() -> None:
    assert WAYS[0] == OFF
    assert DEAD in WAYS
    assert len(WAYS) == len(MODELS) + 2 == 8


def test_equal_times_are_a_ratio_of_one_within_the_interval() -> None:
    for way in measured().ways():
        assert (way.p50_ratio, way.p99_ratio) == (1.0, 1.0)
        assert way.p99_low < 1.0 < way.p99_high


def test_a_way_that_takes_twice_as_long_shows_and_no_other() -> None:
    found = {way.name: way for way in measured(slow=2.0).ways()}
    assert found["slow, 30 s"].p99_low > 1.5
    assert found["hanging"].p99_high < 1.5


def test_the_page_has_a_line_for_each_with_what_became_of_drafts_and_of_events() -> None:
    page = section(measured().ways())
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(WAYS)
    assert all("4000 of 4001" in row and "7 failed |" in row for row in rows)
    assert "[" not in rows[0]
    assert f"{RATE:g} events/s" in page


def test_only_where_all_slates_are_refined_a_setting_says_so() -> None:
    assert "HEADWATER_SLATES__REFINE_WHEN" not in _asking("http://x", Plan())
    assert "HEADWATER_SLATES__REFINE_WHEN" in _asking("http://x", Plan(always=True))
