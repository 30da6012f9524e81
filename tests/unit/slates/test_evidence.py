"""A history speaks for other items as a slow sum over all pairs would have it."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from slates.config import DAY, SlateConfig
from slates.crowd import Crowd
from slates.evidence import (
    FADE,
    LIFT,
    MOST,
    NAMES,
    PRIOR,
    SITTING_FADE,
    SITTING_SECONDS,
    SLOW_FADE,
    Evidence,
    gather_evidence,
    visited,
)
from streams.events import Gains
from streams.predecessors import WHOLE, Predecessors
from streams.profiles import Entry, Profile
from streams.trends import Trend
from tests.support.laws import law

VISITS = SlateConfig().visits
LAW = law(60)
NOW = 1000.0
IDS = [f"item-{n}" for n in range(8)]

WEIGHTS = st.integers(0, 9 * WHOLE).map(lambda units: units / WHOLE)
TABLES = st.dictionaries(
    st.sampled_from(IDS), st.tuples(st.integers(0, 9), WEIGHTS, WEIGHTS), max_size=6
)
CROWDS = st.dictionaries(st.sampled_from(IDS), st.tuples(st.integers(1, 50), TABLES), max_size=8)
Drawn = dict[str, tuple[int, dict[str, tuple[int, float, float]]]]
PASTS = st.lists(
    st.tuples(st.sampled_from([*IDS, "unheard-of"]), st.floats(0, 2 * NOW)),
    max_size=6,
    unique_by=lambda act: act[0],
)


def crowd_of(drawn: Drawn) -> Crowd:
    crowd = Crowd(half_life=7 * DAY)
    for item_id, (visits, rows) in drawn.items():
        supporters, near, close = list(zip(*rows.values(), strict=True)) or [(), (), ()]
        near, close = (tuple(round(WHOLE * amount) for amount in one) for one in (near, close))
        table = Predecessors(tuple(rows), supporters, near, close)
        crowd.follow(item_id, Trend(interactions=visits, predecessors=table))
    return crowd


def history_of(acts: Sequence[tuple[str, float]]) -> list[Entry]:
    """Newest first."""
    return [Entry(at, item_id, "click", 1.0) for item_id, at in acts]


def totals_of(evidence: Evidence, crowd: Crowd) -> NDArray[np.float64]:
    """Of all items, (len(NAMES), rows of the crowd)."""
    return evidence.of(np.arange(len(crowd)), size=len(crowd))


def totals_after(
    acts: Sequence[tuple[str, float]], crowd: Crowd, *, now: float = NOW
) -> NDArray[np.float64]:
    """What a history says of all items."""
    return totals_of(gather_evidence(history_of(acts), crowd, now=now), crowd)


def said(evidence: Evidence, crowd: Crowd) -> dict[str, dict[str, float]]:
    """Item to feature to what there is, without zeros."""
    found: dict[str, dict[str, float]] = {}
    for item_id, amounts in zip(crowd.ids, totals_of(evidence, crowd).T.tolist(), strict=True):
        column = dict(zip(NAMES, amounts, strict=True))
        if any(column.values()):
            found[item_id] = {name: amount for name, amount in column.items() if amount}
    return found


def after_dune(*, visits: int = 9, near: float = 3.0, close: float = 2.0) -> Crowd:
    """People came to ``emma`` after ``dune``."""
    return crowd_of({"dune": (visits, {}), "emma": (visits, {"dune": (4, near, close)})})


# The oracle


def slowly(drawn: Drawn, history: Sequence[Entry]) -> dict[str, dict[str, float]]:
    """The slow, obviously right version: every pair on its own."""
    found: dict[str, dict[str, float]] = {}
    visits = {item_id: count for item_id, (count, _) in drawn.items()}
    for place, entry in enumerate(history[:MOST]):
        for item_id, (_, rows) in drawn.items():
            for before, pair in rows.items():
                for mine, other, onward in [(before, item_id, True), (item_id, before, False)]:
                    if mine != entry.item_id:
                        continue
                    chance = math.sqrt(visits.get(mine, 0) * visits.get(other, 0)) + PRIOR
                    lifts = [math.log(1 + LIFT * amount / chance) for amount in pair]
                    totals = found.setdefault(other, dict.fromkeys(NAMES, 0.0))
                    for name, amount in _terms(lifts, place, max(NOW - entry.at, 0.0), onward):
                        totals[name] += amount
    return {i: {n: a for n, a in t.items() if a} for i, t in found.items() if any(t.values())}


def _terms(
    lifts: Sequence[float], place: int, age: float, onward: bool
) -> Sequence[tuple[str, float]]:
    supporters, near, close = lifts
    sitting = SITTING_FADE**place * math.exp(-age / SITTING_SECONDS)
    return [
        ("together", FADE**place * supporters),
        ("onward" if onward else "back", FADE**place * near),
        ("close", FADE**place * close),
        ("lasting", SLOW_FADE**place * near),
        ("sitting", sitting * near if onward else 0.0),
    ]


@LAW
@given(drawn=CROWDS, acts=PASTS)
def test_evidence_is_the_sum_over_all_pairs(drawn: Drawn, acts: list[tuple[str, float]]) -> None:
    crowd, history = crowd_of(drawn), history_of(acts)
    found = said(gather_evidence(history, crowd, now=NOW), crowd)
    wanted = slowly(drawn, history)
    for item_id in found.keys() | wanted.keys():
        for name in NAMES:
            ours, theirs = (one.get(item_id, {}).get(name, 0.0) for one in (found, wanted))
            assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-5), (item_id, name)


@LAW
@given(drawn=CROWDS, acts=PASTS)
def test_evidence_is_never_negative_and_as_wide_as_the_crowd(
    drawn: Drawn, acts: list[tuple[str, float]]
) -> None:
    crowd = crowd_of(drawn)
    evidence = gather_evidence(history_of(acts), crowd, now=NOW)
    assert totals_of(evidence, crowd).shape == (len(NAMES), len(crowd))
    assert (totals_of(evidence, crowd) >= 0).all()


# What counts


def test_people_who_went_on_speak_onward_and_those_who_came_from_there_back() -> None:
    crowd = after_dune()
    onward = said(gather_evidence(history_of([("dune", NOW)]), crowd, now=NOW), crowd)
    back = said(gather_evidence(history_of([("emma", NOW)]), crowd, now=NOW), crowd)
    assert set(onward["emma"]) == {"together", "onward", "close", "lasting", "sitting"}
    assert set(back["dune"]) == {"together", "back", "close", "lasting"}


def test_what_many_visit_anyway_is_weaker_evidence() -> None:
    few, many = after_dune(visits=9), after_dune(visits=900)
    weak, strong = (totals_after([("dune", NOW)], crowd).sum() for crowd in (many, few))
    assert weak < strong


def test_an_older_item_of_the_history_counts_less() -> None:
    crowd = after_dune()
    rows = crowd.rows(["emma"])
    newest = totals_after([("dune", NOW)], crowd)[:, rows]
    older = totals_after([("x", NOW), ("dune", NOW)], crowd)[:, rows]
    ratios = older / np.where(newest, newest, 1)
    assert dict(zip(NAMES, ratios[:, 0].round(4).tolist(), strict=True)) == {
        "together": FADE,
        "onward": FADE,
        "back": 0.0,
        "close": FADE,
        "lasting": SLOW_FADE,
        "sitting": SITTING_FADE,
    }


def test_what_was_done_in_one_sitting_fades_by_the_clock() -> None:
    crowd = after_dune()
    place = NAMES.index("sitting")
    now, later = (
        totals_after([("dune", NOW)], crowd, now=NOW + age)[place].sum()
        for age in (0.0, SITTING_SECONDS)
    )
    assert later == pytest.approx(now / math.e, rel=1e-5)


def test_a_clock_behind_the_history_is_no_gain() -> None:
    crowd = after_dune()
    behind, level = (totals_after([("dune", NOW)], crowd, now=now) for now in (0.0, NOW))
    assert np.array_equal(behind, level)


def test_beyond_the_most_a_history_says_nothing() -> None:
    crowd = after_dune()
    others = [(f"other-{n}", NOW) for n in range(MOST)]
    assert not totals_after([*others, ("dune", NOW)], crowd).any()
    assert totals_after([*others[1:], ("dune", NOW)], crowd).any()


def test_a_stranger_has_no_evidence() -> None:
    crowd = after_dune()
    assert totals_after([], crowd).shape == (len(NAMES), len(crowd))
    assert not totals_after([], crowd).any()


def test_an_item_no_trend_has_told_of_yet_is_no_error() -> None:
    """A user may be ahead of the replica that everybody's trends come with."""
    crowd = after_dune()
    evidence = gather_evidence(history_of([("brand-new", NOW), ("dune", NOW)]), crowd, now=NOW)
    assert evidence.strongest(5, np.full(len(crowd), True))[0].tolist() == crowd.known(["emma"])


# The strongest

AMOUNTS = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=30)


@LAW
@given(amounts=AMOUNTS, allowed=st.data(), n=st.integers(0, 12))
def test_the_strongest_are_the_best_of_those_allowed(
    amounts: list[float], allowed: st.DataObject, n: int
) -> None:
    size = len(amounts)
    flags = allowed.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    ids = [f"companion-{k}" for k in range(size)]
    crowd = crowd_of({i: (9, {"dune": (int(a), a, a)}) for i, a in zip(ids, amounts, strict=True)})
    rows, shown = crowd.rows(ids), np.zeros(len(crowd), bool)
    shown[rows] = flags
    evidence = gather_evidence(history_of([("dune", NOW)]), crowd, now=NOW)
    found, lasting = evidence.strongest(n, shown)
    there = sorted((a for a, flag in zip(amounts, flags, strict=True) if flag and a), reverse=True)
    of = dict(zip(rows.tolist(), amounts, strict=True))
    assert len(set(found.tolist())) == len(found)
    assert shown[found].all()
    assert sorted((of[row] for row in found.tolist()), reverse=True) == there[:n]
    assert lasting.tolist() == totals_of(evidence, crowd)[NAMES.index("lasting"), found].tolist()


# What a history is


def test_each_item_of_a_profile_counts_once_at_its_newest() -> None:
    history = (
        Entry(1.0, "dune", "click", 1.0),
        Entry(2.0, "emma", "click", 1.0),
        Entry(3.0, "dune", "like", 2.0),
    )
    assert visited(Profile(history=history), VISITS) == [history[2], history[1]]


@pytest.mark.parametrize(
    ("action", "gain", "counts"),
    [("click", 1.0, True), ("skip", -0.5, False), ("listed", 0.0, False), ("rating", -2.0, True)],
)
def test_who_turned_an_item_down_did_not_come_to_it(action: str, gain: float, counts: bool) -> None:
    profile = Profile(history=(Entry(1.0, "dune", action, gain),))
    assert [entry.item_id for entry in visited(profile, VISITS)] == ["dune"] * counts


def test_one_comes_to_an_item_by_the_actions_that_the_crowd_was_gathered_by() -> None:
    gains = Gains({"finish": 1.0, "rating": 0.0})
    history = (Entry(1.0, "dune", "finish", -1.0), Entry(2.0, "emma", "rating", 2.0))
    found = visited(Profile(history=history), gains.visits())
    assert [entry.item_id for entry in found] == ["dune"]
    assert all(gains.is_visit(entry.action) for entry in found)
