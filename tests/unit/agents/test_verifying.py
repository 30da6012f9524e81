"""
No difference after any history, however far the workers are; each kind of fault is found.

The live state is folded here once more, key by key and the slow way: each key as of an offset of
its own, as a reader finds it on a changelog that is being written to.
"""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agents.differences import SHOWN, Difference, Named
from agents.durable import Live
from streams.events import Impression, Interaction
from streams.origins import Origin
from streams.profiles import Profile
from streams.trends import Trend
from tests.support.verdicts import (
    DAY,
    LOG,
    Log,
    Workers,
    altered,
    click,
    forget,
    said,
    verify,
    whole,
)

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
