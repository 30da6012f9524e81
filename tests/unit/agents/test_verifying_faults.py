"""Each kind of fault in a live state is found, and named as what it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agents.durable import Live, UserKey
from streams.predecessors import Predecessors
from streams.profiles import Entry, Profile
from streams.trends import Trend
from tests.support.verdicts import LOG, Log, altered, click, said, verify, whole


def without(live: Live, key: UserKey | str) -> Live:
    profiles = {k: v for k, v in live.profiles.items() if k != key}
    return replace(
        live, profiles=profiles, trends={k: v for k, v in live.trends.items() if k != key}
    )


def test_the_log_of_these_tests_is_without_a_difference() -> None:
    verdict = verify(whole(LOG).live(), LOG)
    assert said(verdict) == []
    assert verdict.compared == {"profiles": 3, "item-trends": 3}
    assert (verdict.uncommitted, verdict.trends_settled) == (0, True)


def test_an_event_that_was_passed_over_is_found_in_profile_and_trend() -> None:
    live = replace(whole(LOG), skipped=frozenset({(0, 0)})).live()
    profile, trend, later = said(verify(live, LOG))
    assert profile.startswith("profiles 'ann' (partition 0): history: live 1, replayed 2,")
    assert "seen: live 1, replayed 2, first other at 0: live 'emma', replayed 'dune'" in profile
    assert "counters: live {'click': 1}, replayed {'click': 2}" in profile
    assert trend.startswith("item-trends 'dune': popularity: live")
    assert "interactions: live 1, replayed 2" in trend
    assert later.startswith("item-trends 'emma': predecessors: live Predecessors(item_ids=()")


def test_what_users_had_come_to_before_the_span_is_not_missed() -> None:
    log: Log = {0: [click("ann"), click("ann", "emma")], 1: []}
    live = whole(log).live()
    assert live.trends["emma"].predecessors.item_ids == ("dune",)
    assert said(verify(live, log, starts={0: 1, 1: 0}, stops={0: 2, 1: 0})) == []


def test_a_last_event_that_was_committed_and_is_not_there_is_named() -> None:
    live = replace(whole(LOG), skipped=frozenset({(0, 3)})).live()
    assert said(verify(live, LOG)) == [
        "profiles 'ann' (partition 0): lacks events-0-3, which is committed",
        "item-trends 'emma': missing in the live state; lacks events-0-3, which is committed",
    ]


def test_an_event_that_was_counted_twice_is_found() -> None:
    live = altered(whole(LOG).live(), "dune", interactions=3, supporters=3)
    assert said(verify(live, LOG)) == [
        "item-trends 'dune': interactions: live 3, replayed 2; supporters: live 3, replayed 2"
    ]
    live = altered(whole(LOG).live(), (0, "ann"), counters={"click": 3})
    assert said(verify(live, LOG)) == [
        "profiles 'ann' (partition 0): counters: live {'click': 3}, replayed {'click': 2}"
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("history", (Entry(1.0, "dune", "click", 1.5), Entry(1.0, "emma", "click", 1.0))),
        ("history", ()),
        ("seen", ("emma", "dune")),
        ("counters", {"click": 2, "impression": 1}),
        ("partition", 1),
        ("offset", 99),
    ],
)
def test_any_altered_field_of_a_profile_is_found(field: str, value: Any) -> None:
    live = altered(whole(LOG).live(), (0, "ann"), **{field: value})
    (line,) = said(verify(live, LOG))
    assert line.startswith(f"profiles 'ann' (partition 0): {field}: live")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("popularity", 2.00001),
        ("at", 2.0),
        ("interactions", 1),
        ("supporters", 0),
        ("days", {1: 2}),
        ("applied", {0: 1, 1: 50}),
        ("surge", 2.00001),
        ("predecessors", Predecessors(("moby",), (1,), (10_000,), (10_000,))),
    ],
)
def test_any_altered_field_of_a_trend_is_found(field: str, value: Any) -> None:
    live = altered(whole(LOG).live(), "dune", **{field: value})
    (line,) = said(verify(live, LOG))
    assert line.startswith(f"item-trends 'dune': {field}: live")


def test_a_profile_that_should_be_gone_is_found() -> None:
    live = whole(LOG).live()
    stale = replace(live, profiles={**live.profiles, (0, "eve"): Profile(partition=0, offset=1)})
    (line,) = said(verify(stale, LOG))
    assert "lacks events-0-4, which is committed" in line
    stale = altered(stale, (0, "eve"), offset=4)
    assert said(verify(stale, LOG)) == [
        "profiles 'eve' (partition 0): live, though by the log there should be none"
    ]


def test_a_profile_and_a_trend_that_no_event_speaks_of_are_found() -> None:
    live = whole(LOG).live()
    live = replace(
        live,
        profiles={**live.profiles, (1, "eve"): Profile(counters={"click": 1}, offset=0)},
        trends={**live.trends, "ghost": Trend(interactions=1)},
    )
    assert said(verify(live, LOG)) == [
        "profiles 'eve' (partition 1): live, though by the log there should be none",
        "item-trends 'ghost': live, though by the log there should be none",
    ]


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ((1, "ann"), "profiles 'ann' (partition 1): missing in the live state"),
        (
            "moby",
            "item-trends 'moby': missing in the live state; lacks events-1-0, which is committed",
        ),
    ],
)
def test_what_is_missing_is_found(key: UserKey | str, line: str) -> None:
    assert said(verify(without(whole(LOG).live(), key), LOG)) == [line]
