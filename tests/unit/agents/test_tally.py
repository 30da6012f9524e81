"""A slate counts once, and so does every event it answers."""

from typing import Any

import msgspec

from agents.scraping import Figures
from agents.tally import SHOWN, Tally, summary
from slates.slate import Slate, Timings, Versions
from streams.requests import Trigger


def slate(name: str = "one", *, took: float = 1.0, **fields: Any) -> Slate:
    """An empty slate, produced so many seconds after its trigger."""
    return Slate(
        slate_id=f"slate-{name}",
        user_id="ann",
        revision=1,
        strategy="hybrid",
        scenario="feed",
        trigger=Trigger(id=name, kind="click", at=100.0, received_at=100.0),
        items=(),
        ranked_by="engine",
        degraded=fields.pop("degraded", ()),
        versions=Versions(),
        timings=Timings(),
        produced_at=100.0 + took,
        **fields,
    )


def tally_of(*slates: Slate) -> Tally:
    tally = Tally()
    for each in slates:
        tally.add_slate(each)
    return tally


def test_events_answered_by_the_slate_of_a_newer_one_are_counted() -> None:
    tally = tally_of(
        slate("one"), slate("four", supersedes=("two", "three")), slate("six", supersedes=("five",))
    )
    assert (tally.slates, tally.superseded) == (3, 3)


def test_a_slate_seen_before_counts_for_nothing() -> None:
    tally = Tally()
    again = slate(supersedes=("older",), degraded=("replica-behind: item-trends",))
    assert [tally.add_slate(again), tally.add_slate(again)] == [True, False]
    assert (tally.slates, tally.superseded, tally.degraded) == (1, 1, 1)
    assert (len(tally.latencies), len(tally.newest)) == (1, 1)


def test_only_the_newest_slates_are_kept_the_newest_first() -> None:
    tally = tally_of(*(slate(str(number)) for number in range(SHOWN + 2)))
    assert [kept.trigger.id for kept in tally.newest] == [str(n) for n in range(SHOWN + 1, 1, -1)]


def test_a_latency_is_never_negative_though_clocks_differ() -> None:
    assert list(tally_of(slate(took=-5.0)).latencies) == [0.0]


def test_latencies_are_given_in_milliseconds_and_of_the_last_slates_if_asked() -> None:
    tally = tally_of(slate("one", took=9.0), slate("two", took=0.5), slate("three", took=1.5))
    assert tally.latency_ms(0.0, 1.0) == [500.0, 9000.0]
    assert tally.latency_ms(0.0, 1.0, last=2) == [500.0, 1500.0]


def test_without_slates_there_are_no_latencies_and_no_click_through() -> None:
    tally = Tally()
    assert tally.latency_ms(0.5, 0.99) == [None, None]
    assert tally.click_through() == {"slates": None, "control": None}


def test_a_summary_tells_slates_and_the_events_they_superseded_apart() -> None:
    tally = tally_of(slate("three", took=0.25, supersedes=("one", "two")))
    found = summary(tally, Figures(), seconds=2.0)
    assert (found["slates_out"], found["superseded"]) == (1, 2)
    assert found["event_to_slate_ms"] == {"p50": 250.0, "p95": 250.0, "p99": 250.0}


def test_a_summary_of_a_run_in_which_nothing_happened_can_be_had() -> None:
    found = summary(Tally(), Figures(), seconds=0.0)
    assert (found["slates_out"], found["superseded"], found["updates_per_s"]) == (0, 0, None)


def revised(name: str = "one", *, took: float = 2.0, by: str = "model", tokens: int = 300) -> Slate:
    """The second revision of that slate."""
    return msgspec.structs.replace(
        slate(name, took=took), revision=2, ranked_by=by, tokens=tokens, degraded=("model: x",)
    )


def test_a_second_revision_is_no_slate_and_answers_nothing_again() -> None:
    tally = Tally()
    assert [tally.add_slate(slate()), tally.add_slate(revised())] == [True, False]
    assert (tally.slates, len(tally.latencies), tally.degraded) == (1, 1, 0)
    assert (tally.revisions, tally.refined, tally.tokens) == (1, 1, 300)
    assert not tally.add_slate(revised())
    assert tally.revisions == 1


def test_a_mark_is_a_revision_that_no_model_has_made() -> None:
    tally = tally_of(slate(), revised(by="engine", tokens=0))
    assert (tally.revisions, tally.refined, tally.revision_ms(0.5)) == (1, 0, [None])


def test_a_second_revision_takes_the_place_of_the_first_in_the_view() -> None:
    tally = tally_of(slate("one"), slate("two"), revised("one"))
    assert [(kept.trigger.id, kept.revision) for kept in tally.newest] == [("two", 1), ("one", 2)]


def test_a_summary_tells_revisions_apart_from_slates() -> None:
    found = summary(tally_of(slate(), revised()), Figures(), seconds=2.0)
    assert (found["slates_out"], found["revisions"], found["refined"]) == (1, 1, 1)
    assert found["tokens"] == 300
    assert found["event_to_revision_ms"]["p50"] == 2000.0
    assert found["event_to_slate_ms"]["p50"] == 1000.0
