"""
No difference after any history, however far the workers are; each kind of fault is found.

The live state is folded here once more, key by key and the slow way: each key as of an offset of
its own, as a reader finds it on a changelog that is being written to.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.differences import SHOWN, Difference, Named
from agents.durable import Live, UserKey
from agents.replaying import Replaying, Rules
from agents.spans import Span
from agents.verifying import Verdict, Verifying
from streams.covisits import co_visit_of
from streams.events import Event, Forget, Gains, Impression, Interaction, encode_event
from streams.kafka import Record
from streams.origins import Origin
from streams.predecessors import Predecessors
from streams.profiles import Entry, Profile
from streams.profiles import fold as fold_profile
from streams.topics import Topics
from streams.trends import CoVisit, Trend
from streams.trends import fold as fold_trend

DAY = 86_400.0
NAMES = Topics(prefix="", partitions=2)
RULES = Rules(
    Gains({"click": 1.0, "dislike": -2.0}), max_ahead=DAY, max_bytes=100_000, half_life=3 * DAY
)
Log = Mapping[int, Sequence[Event | None]]
"""Partition to its events; None is a record that is none."""


def click(user: str = "ann", item: str = "dune", *, at: float = 1.0) -> Interaction:
    return Interaction(user_id=user, item_id=item, action="click", at=at)


def forget(user: str = "ann") -> Forget:
    return Forget(user_id=user, at=1.0)


@dataclass(frozen=True)
class Workers:
    """What was folded by workers of which each key was read at a time of its own."""

    log: Log
    committed: Mapping[int, int]
    read_at: Callable[[object], Mapping[int, int]]
    """The offset before which a key contains everything, by partition."""
    skipped: frozenset[tuple[int, int]] = frozenset()
    """Events that were lost."""
    settled: bool = True

    def events(self, partition: int) -> list[tuple[int, Event]]:
        return [
            (offset, event)
            for offset, event in enumerate(self.log[partition])
            if event is not None and (partition, offset) not in self.skipped
        ]

    def live(self) -> Live:
        profiles: dict[UserKey, Profile] = {}
        visits: list[tuple[str, CoVisit]] = []
        for partition in self.log:
            for user in {event.user_id for _, event in self.events(partition)}:
                known, sent = self._user(partition, user)
                visits += sent
                if known is not None:
                    profiles[partition, user] = known
        return Live(self.committed, profiles, self._trends(visits), self.settled)

    def _user(self, partition: int, user: str) -> tuple[Profile | None, list[tuple[str, CoVisit]]]:
        known: Profile | None = None
        written: Profile | None = None
        visits = []
        for offset, event in self.events(partition):
            if event.user_id != user:
                continue
            before = known or Profile()
            if isinstance(event, Interaction):
                visit = co_visit_of(
                    event, before, gains=RULES.gains, partition=partition, offset=offset
                )
                visits.append((event.item_id, visit))
            known = fold_profile(
                before, event, gains=RULES.gains, partition=partition, offset=offset
            )
            if offset < self.read_at((partition, user))[partition]:
                written = known
        return written, visits

    def _trends(self, visits: Sequence[tuple[str, CoVisit]]) -> dict[str, Trend]:
        trends: dict[str, Trend] = {}
        # One partition after the other, as no replay would.
        for item_id, visit in sorted(visits, key=lambda v: (-v[1].partition, v[1].offset)):
            if visit.offset < self.read_at(item_id)[visit.partition]:
                trend = trends.get(item_id) or Trend()
                trends[item_id] = fold_trend(trend, visit, half_life=RULES.half_life)
        return trends


def whole(log: Log) -> Workers:
    """Everything folded and committed."""
    ends = {partition: len(events) for partition, events in log.items()}
    return Workers(log, ends, lambda key: ends)


def records(log: Log, *, starts: Mapping[int, int], stops: Mapping[int, int]) -> list[Record]:
    """A span of the log, the partitions in turn."""
    found = [
        Record(
            "events",
            partition,
            offset,
            b"ann" if event is None else event.user_id.encode(),
            b"{" if event is None else encode_event(event),
            1.0 * DAY,
        )
        for partition, events in log.items()
        for offset, event in enumerate(events)
        if starts[partition] <= offset < stops[partition]
    ]
    return sorted(found, key=lambda record: (record.offset, record.partition))


def verify(
    live: Live, log: Log, *, starts: Mapping[int, int] = {}, stops: Mapping[int, int] = {}
) -> Verdict:
    ends = {partition: len(events) for partition, events in log.items()}
    span = Span({**dict.fromkeys(log, 0), **starts}, {**ends, **stops}, ends)
    verifying = Verifying(live, NAMES, half_life=RULES.half_life)
    replaying = Replaying(NAMES, RULES, watch=verifying)

    async def main() -> None:
        for record in records(log, starts=span.starts, stops=span.stops):
            await replaying.fold(record)

    asyncio.run(main())
    return verifying.verdict(replaying.profiles, span)


def said(verdict: Verdict) -> list[str]:
    return [f"{d.of}: {'; '.join(d.phrases())}" for d in verdict.differences]


# -- laws ------------------------------------------------------------------------------

USERS, ITEMS = ("ann", "eve", "zoe"), ("dune", "emma")
TIMES = st.sampled_from([0.0, 0.1, 0.7, 5.5, 9.0, 12.0]).map(lambda days: days * DAY / 12)
EVENTS = st.one_of(
    st.builds(click, st.sampled_from(USERS), st.sampled_from(ITEMS), at=TIMES),
    st.builds(
        Interaction,
        user_id=st.sampled_from(USERS),
        item_id=st.sampled_from(ITEMS),
        action=st.just("dislike"),
        at=TIMES,
    ),
    st.builds(forget, st.sampled_from(USERS)),
    st.builds(
        Impression,
        user_id=st.sampled_from(USERS),
        slate_id=st.just("s"),
        item_ids=st.just(("dune",)),
        at=TIMES,
    ),
    st.none(),
)
PARTITION = st.lists(EVENTS, max_size=14)
LOGS = st.fixed_dictionaries({0: PARTITION, 1: PARTITION})


@st.composite
def at_work(draw: st.DrawFn, logs: st.SearchStrategy[Log] = LOGS) -> Workers:
    """Some of the log is committed, and each key was read at that point or later."""
    log = draw(logs)
    committed = {
        p: draw(st.integers(0, len(events)), label=f"committed {p}") for p, events in log.items()
    }
    seen: dict[object, dict[int, int]] = {}
    for key in (*((p, user) for p in log for user in USERS), *ITEMS):
        seen[key] = {p: draw(st.integers(committed[p], len(events))) for p, events in log.items()}
    return Workers(log, committed, lambda key: seen[key], settled=draw(st.booleans()))


def spans(log: Log, data: st.DataObject) -> tuple[dict[int, int], dict[int, int]]:
    starts, stops = {}, {}
    for partition, events in log.items():
        starts[partition] = data.draw(st.integers(0, len(events)))
        stops[partition] = data.draw(st.integers(starts[partition], len(events)))
    return starts, stops


@given(at_work())
def test_workers_that_fold_the_log_never_differ_from_it_however_far_they_are(
    workers: Workers,
) -> None:
    live = workers.live()
    verdict = verify(live, workers.log)
    assert said(verdict) == []
    assert (verdict.older, verdict.newer) == ([], [])
    assert verdict.compared["profiles"] == len(live.profiles)
    assert verdict.compared["item-trends"] == len(live.trends)


@given(at_work(), st.data())
def test_nor_does_any_part_of_the_log_and_what_it_cannot_say_is_named(
    workers: Workers, data: st.DataObject
) -> None:
    starts, stops = spans(workers.log, data)
    live = workers.live()
    verdict = verify(live, workers.log, starts=starts, stops=stops)
    assert said(verdict) == []
    aside = [*verdict.older, *verdict.newer]
    assert len(set(aside)) == len(aside)
    known = len(live.profiles) + len(live.trends)
    assert verdict.compared.total() + len([of for of in aside if _is_live(of, live)]) == known


def _is_live(of: Named, live: Live) -> bool:
    return (
        of.key in live.trends if of.partition is None else (of.partition, of.key) in live.profiles
    )


@given(
    LOGS.filter(lambda log: any(isinstance(e, Interaction) for e in [*log[0], *log[1]])), st.data()
)
def test_a_lost_interaction_is_always_found(log: Log, data: st.DataObject) -> None:
    acted = [(p, o) for p in log for o, e in enumerate(log[p]) if isinstance(e, Interaction)]
    partition, offset = data.draw(st.sampled_from(acted))
    event = log[partition][offset]
    assert isinstance(event, Interaction)
    live = replace(whole(log), skipped=frozenset({(partition, offset)})).live()
    found = verify(live, log).differences
    assert ("item-trends", event.item_id) in {(d.of.topic, d.of.key) for d in found}
    assert {d.of.key for d in found} <= {event.user_id, event.item_id, *ITEMS}


# -- faults, one of each kind ----------------------------------------------------------

LOG: Log = {
    0: [click("ann"), click("eve"), None, click("ann", "emma"), forget("eve")],
    1: [click("ann", "moby"), click("zoe", "moby")],
}


def altered(live: Live, key: UserKey | str, **fields: Any) -> Live:
    """The same, but for fields of one profile or trend."""
    if isinstance(key, str):
        trend = msgspec.structs.replace(live.trends[key], **fields)
        return replace(live, trends={**live.trends, key: trend})
    profile = msgspec.structs.replace(live.profiles[key], **fields)
    return replace(live, profiles={**live.profiles, key: profile})


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


# -- what cannot be compared, and what need not be there -------------------------------


def test_a_user_who_is_forgotten_while_we_look_is_not_missing() -> None:
    log: Log = {0: [click(), forget(), click()]}
    live = Live({0: 1}, {}, whole(log).live().trends, trends_settled=True)
    verdict = verify(live, log)
    assert said(verdict) == []
    assert verdict.uncommitted == 2


def test_events_from_before_the_span_make_a_value_older_and_the_others_are_compared() -> None:
    verdict = verify(whole(LOG).live(), LOG, starts={0: 1})
    assert verdict.older == [Named("profiles", "ann", 0), Named("item-trends", "dune")]
    assert verdict.compared == {"profiles": 2, "item-trends": 2}


def test_who_was_forgotten_within_the_span_is_compared_though_the_log_was_cut() -> None:
    log: Log = {0: [click(), forget(), click()]}
    live = altered(whole(log).live(), (0, "ann"), counters={"click": 5})
    (line,) = said(verify(live, log, starts={0: 1}))
    assert "counters: live {'click': 5}, replayed {'click': 1}" in line


def test_an_older_value_that_lacks_a_committed_event_differs_in_that_alone() -> None:
    log: Log = {0: [click(), click("eve"), click()]}
    live = replace(whole(log), skipped=frozenset({(0, 2)})).live()
    verdict = verify(live, log, starts={0: 2})
    assert said(verdict) == [
        "profiles 'ann' (partition 0): lacks events-0-2, which is committed",
        "item-trends 'dune': lacks events-0-2, which is committed",
    ]


def test_a_guard_behind_the_span_makes_a_value_newer() -> None:
    verdict = verify(whole(LOG).live(), LOG, stops={0: 3})
    assert verdict.newer == [
        Named("profiles", "ann", 0),
        Named("profiles", "eve", 0),  # not there: forgotten later, for all that is known
        Named("item-trends", "emma"),
    ]
    assert verdict.compared == {"profiles": 2, "item-trends": 2}


def test_who_is_not_there_may_have_been_forgotten_right_behind_the_span() -> None:
    log: Log = {0: [click(), forget()]}
    live = Live({0: 1}, {}, whole(log).live().trends, trends_settled=True)
    verdict = verify(live, log, stops={0: 1})
    assert (said(verdict), verdict.newer) == ([], [Named("profiles", "ann", 0)])


def test_a_guard_behind_the_log_itself_is_a_difference() -> None:
    live = altered(whole(LOG).live(), (0, "ann"), offset=5)
    (line,) = said(verify(live, LOG))
    assert line.endswith("offset: live 5, replayed 3")


def test_trends_that_have_not_settled_are_compared_as_far_as_they_are() -> None:
    live = replace(whole(LOG), skipped=frozenset({(1, 1)})).live()
    behind = replace(live, profiles=whole(LOG).live().profiles, trends_settled=False)
    verdict = verify(behind, LOG)
    assert said(verdict) == []
    assert not verdict.trends_settled
    assert said(verify(replace(behind, trends_settled=True), LOG)) == [
        "item-trends 'moby': lacks events-1-1, which is committed"
    ]


# -- words -----------------------------------------------------------------------------


def test_a_difference_is_short_on_a_screen_and_whole_as_an_object() -> None:
    long = Profile(seen=("x" * 200,), offset=3)
    difference = Difference(Named("profiles", "ann\x1b", 0), long, Profile(offset=3), None)
    (phrase,) = difference.phrases()
    assert len(phrase) < 3 * SHOWN
    assert "\x1b" not in str(difference.of)
    found = json.loads(json.dumps(difference.as_object()))
    assert found["fields"] == {"seen": {"live": ["x" * 200], "replayed": []}}
    assert (found["key"], found["in_live"], found["in_replayed"]) == ("ann\x1b", True, True)


def test_an_object_of_what_is_on_one_side_only_says_so() -> None:
    lacks = Origin("events", 0, 3)
    found = Difference(Named("item-trends", "dune"), None, Trend(), lacks).as_object()
    assert found == {
        "topic": "item-trends",
        "key": "dune",
        "partition": None,
        "in_live": False,
        "in_replayed": True,
        "lacks": "events-0-3",
        "fields": {},
    }
