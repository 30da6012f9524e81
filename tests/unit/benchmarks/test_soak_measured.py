"""What is said of a run, and the page that says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from benchmarks.refolding import Difference
from benchmarks.soak.driving import Sent
from benchmarks.soak.footprint import Footprint
from benchmarks.soak.measured import Look, Measured, Sample, verdicts
from benchmarks.soak.page import Setting, page
from benchmarks.soak.showing import line_of
from benchmarks.soak.sums import Sums
from benchmarks.soak.waits import Answer
from benchmarks.soak.worker import Life
from streams.requests import Trigger

BEGAN = 1_700_000_000.0
SECONDS, RATE = 900.0, 10.0
SETTING = Setting(
    "2026-11-24", "a machine", "some software", "films", "python -m it", users=7, workers=2
)
MB = 1_000_000
GONE = range(300, 320)
"""Seconds in which the first worker is not there."""
NONE: Mapping[str, int] = {"events": 0, "co-visits": 0, "slate-requests": 0}


def sample(
    at: float, *, memory: float = 500.0, lag: int = 20, requests: int = 7, waiting: int = 3
) -> Sample:
    first = Look(
        lag={"events": lag, "co-visits": 5, "slate-requests": requests},
        waiting=waiting,
        footprint=Footprint(int(memory * MB), 600 * MB, 1.0),
        cpu=0.75,
    )
    second = Look(lag=NONE, waiting=0, footprint=Footprint(400 * MB, 500 * MB, 1.0), cpu=0.5)
    return Sample(
        at=at,
        sent=int(at * RATE),
        slates=int(at * 4),
        superseded=int(at * 6),
        p50=12.0,
        p99=34.0,
        looks=(Look({}, None, None, None) if int(at) in GONE else first, second),
        state=3 * MB,
        log=int(at * MB),
    )


def good() -> Measured:
    """A run in which all is as it should be."""
    count = int(SECONDS * RATE)
    run = Measured(rate=RATE, seconds=SECONDS, began=BEGAN)
    run.reports = [Sent(float(s), int(s * RATE), int(s * RATE), 0.01) for s in range(901)]
    run.samples = [sample(10.0 * n) for n in range(1, 91)]
    run.lives = [
        [
            Life(BEGAN - 60, BEGAN - 50, BEGAN + 300, "SIGTERM", BEGAN + 301, 0),
            Life(BEGAN + 301, BEGAN + 320, BEGAN + 910, "SIGTERM", BEGAN + 912, 0),
        ],
        [
            Life(BEGAN - 50, BEGAN - 40, BEGAN + 600, "SIGKILL", BEGAN + 600, -9),
            Life(BEGAN + 600, BEGAN + 615, BEGAN + 910, "SIGTERM", BEGAN + 912, 0),
        ],
    ]
    for n in range(count):
        run.waits.note_event(0, n, at=BEGAN + n / RATE)
        run.waits.note_slate(
            Answer(Trigger(f"events-0-{n}", "click", 0.0, 0.0)), at=BEGAN + n / RATE + 0.05
        )
    run.sums = Sums(count, count, count, Difference(0, 0, 0), new_ids=0, dead_letters=0)
    return run


def broken(run: Measured) -> list[str]:
    """The promises that were not kept."""
    return [verdict.promise.split(":")[0] for verdict in verdicts(run) if not verdict.kept]


def test_a_good_run_keeps_every_promise() -> None:
    assert broken(good()) == []


Change = Callable[[Measured], object]


def with_sums(**changes: object) -> Change:
    def change(run: Measured) -> None:
        assert run.sums is not None
        run.sums = replace(run.sums, **changes)

    return change


def grow(run: Measured) -> None:
    """Twelve percent an hour, in one of two workers."""
    run.samples = [sample(s.at, memory=500 + 500 * 0.12 * s.at / 3600) for s in run.samples]


def lag_behind(run: Measured) -> None:
    """Six of a thousand events sent."""
    run.samples = [sample(s.at, lag=int(1000 + 0.06 * s.at)) for s in run.samples]


def queue_up(run: Measured) -> None:
    """The line gains more users every second than it may."""
    run.samples = [sample(s.at, waiting=int(1000 + 0.06 * s.at)) for s in run.samples]


def stumble(run: Measured) -> None:
    """Stands still for a second, and makes up for it."""
    run.reports[400] = Sent(400.0, 3_990, 3_990, 1.0)
    run.reports[401] = Sent(401.0, 4_010, 4_010, 1.0)
    run.reports = [r if r.seconds != 410.0 else Sent(410.0, 4_085, 4_085, 1.0) for r in run.reports]


def leave_unacknowledged(run: Measured) -> None:
    last = run.reports[-1]
    run.reports[-1] = Sent(last.seconds, last.sent, last.sent - 1, 0.0)


def leave_unanswered(run: Measured) -> None:
    run.waits.note_event(1, 0, at=BEGAN)
    last = run.reports[-1]
    run.reports[-1] = Sent(last.seconds, last.sent + 1, last.sent + 1, 0.0)


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        (stumble, "The load was held."),
        (leave_unacknowledged, "The load was held."),
        (with_sums(in_profiles=8_999), "Every event that the broker acknowledged is in"),
        (with_sums(events=9_001), "Every event that the broker acknowledged is in"),
        (with_sums(difference=Difference(1, 0, 0)), "Every event that the broker acknowledged"),
        (with_sums(difference=Difference(0, 1, 0)), "Every event that the broker acknowledged"),
        (with_sums(difference=Difference(0, 0, 1)), "Every event that the broker acknowledged"),
        (with_sums(in_trends=9_001), "The trends of all items"),
        (leave_unanswered, "Every event is answered"),
        (with_sums(dead_letters=1), "Nothing was refused."),
        (grow, "Memory is flat"),
        (lag_behind, "Lag is flat"),
        (queue_up, "The line for slates"),
    ],
)
def test_a_promise_that_is_not_kept_is_named(change: Change, promise: str) -> None:
    run = good()
    change(run)
    assert any(found.startswith(promise) for found in broken(run))


@pytest.mark.parametrize(
    "life",
    [
        Life(BEGAN, BEGAN, None, "", BEGAN + 300, 70),
        Life(BEGAN, BEGAN, BEGAN + 300, "SIGTERM", BEGAN + 301, 70),
        Life(BEGAN, BEGAN, None, "", BEGAN + 300, 0),
    ],
)
def test_an_end_that_nobody_asked_for_or_that_is_not_in_order_is_named(life: Life) -> None:
    run = good()
    run.lives = [[life, *run.lives[0]], run.lives[1]]
    assert broken(run) == ["A worker ends when it is told to, in order, and never by itself."]


def test_no_samples_do_not_prove_that_anything_is_flat() -> None:
    run = good()
    run.samples = []
    assert broken(run) == ["Memory is flat", "Lag is flat"]


def test_another_level_after_a_restart_is_no_growth() -> None:
    run = good()
    run.samples = [sample(s.at, memory=500 if s.at < 300 else 800) for s in run.samples]
    assert broken(run) == []


def test_what_happens_while_a_worker_warms_up_is_no_growth() -> None:
    run = good()
    run.samples = [sample(s.at, lag=100_000 if 310 < s.at < 400 else 20) for s in run.samples]
    assert broken(run) == []


def test_samples_before_and_after_the_load_are_no_stretch() -> None:
    run = good()
    run.samples.append(sample(905.0, memory=5_000))
    assert broken(run) == []


def test_the_page_has_a_row_for_every_five_minutes() -> None:
    text = page(good(), SETTING)
    rows = [line for line in text.splitlines() if line.startswith(("| 5.0 ", "| 10.0 ", "| 15.0 "))]
    assert rows == [
        "| 5.0 | 10 | 4 | 6 | 50 / 50 | 0 | 0 | 0 | 0 | – | – | – | 3 | 300 |",
        "| 10.0 | 10 | 4 | 6 | 50 / 50 | 20 | 5 | 7 | 3 | 900 | 1,100 | 1.25 | 3 | 600 |",
        "| 15.0 | 10 | 4 | 6 | 50 / 50 | 20 | 5 | 7 | 3 | 900 | 1,100 | 1.25 | 3 | 900 |",
        "| 5.0 | SIGTERM | 0 | 1.0 | 20.0 | 0.0 | 0 of 600 |",
        "| 10.0 | SIGKILL | -9 | 0.0 | 15.0 | 0.0 | 0 of 600 |",
    ]


def test_a_short_run_has_one_row() -> None:
    run = good()
    run.samples = run.samples[:6]
    assert "\n| 1.0 | 10 | 4 | 6 | 50 / 50 | 20 | 5 | 7 | 3 | 900 | 1,100 |" in page(run, SETTING)


def test_the_page_says_what_was_not_kept() -> None:
    run = good()
    with_sums(in_trends=8_999)(run)
    text = page(run, SETTING)
    assert "| The trends of all items sum up to the events. | **no** | 8,999 of 9,000 |" in text
    assert text.count("**no**") == 1


def test_the_page_says_how_fast_memory_grows() -> None:
    run = good()
    run.samples = [sample(s.at, memory=500 + 36 * s.at / 3600) for s in run.samples]
    text = page(run, SETTING)
    assert "| all, each at its own level | " in text
    assert "| +36.0 | +7.1% |" in text


def test_turns_that_take_longer_are_no_lag() -> None:
    run = good()
    run.samples = [sample(s.at, requests=int(1000 + 10 * s.at)) for s in run.samples]
    assert broken(run) == []


def test_the_page_says_how_far_lag_went() -> None:
    run = good()
    run.samples = [sample(s.at, lag=90_000 if s.at == 330.0 else 20) for s in run.samples]
    assert "| events | 90,000 | 20 | 20 | +0.00 |" in page(run, SETTING)


def test_without_a_worker_a_line_says_so() -> None:
    assert line_of(sample(300.0), good()) == (
        "5.0 of 15 min · 3,000 events · 1,200 slates · p50 12 ms · p99 34 ms · lag – · "
        "a worker is not there"
    )


def test_lag_while_a_worker_takes_over_is_none_of_a_quiet_time() -> None:
    run = good()
    run.samples = [
        sample(s.at, lag=int(100 * (s.at - 600)) if s.at > 600 else 20) for s in run.samples
    ]
    run.samples = [s if s.at < 715 else sample(s.at) for s in run.samples]
    assert broken(run) == []


def test_what_grows_in_one_worker_alone_is_growth() -> None:
    run = good()
    run.samples = [
        replace(
            s,
            looks=(
                s.looks[0],
                replace(s.looks[1], footprint=Footprint(int((400 + s.at) * MB), 0, 1.0)),
            ),
        )
        for s in run.samples
    ]
    assert broken(run) == ["Memory is flat"]


def test_a_line_tells_lag_by_topic() -> None:
    assert "lag co-visits 5, events 20, slate-requests 7 · " in line_of(
        sample(360.0, lag=20), good()
    )
