"""The owner of an item hears what somebody came from, and never who it was."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.covisits import co_visit_of
from streams.events import Gains, Interaction
from streams.predecessors import MAX_BEFORE, Before
from streams.profiles import Entry, Profile, fold
from streams.trends import CoVisit, decode_co_visit, encode_co_visit
from tests.support.laws import law

LAW = law(60)
GAINS = Gains({"click": 1.0, "skip": -0.5, "rating": 2.0, "listed": 0.0})
NOW = 1000.0

ACTS = st.lists(
    st.tuples(
        st.sampled_from([f"item-{n:02}" for n in range(50)]),
        st.sampled_from(["click", "skip", "listed"]),
        st.floats(0, 2 * NOW),
    ),
    max_size=80,
)
Acts = list[tuple[str, str, float]]


def act(
    item_id: str = "emma",
    *,
    action: str = "click",
    at: float | None = NOW,
    value: float | None = None,
) -> Interaction:
    return Interaction(user_id="ann", item_id=item_id, action=action, at=at, value=value)


def visit_of(event: Interaction, profile: Profile) -> CoVisit:
    return co_visit_of(event, profile, gains=GAINS, partition=3, offset=120)


def who_did(*acts: tuple[str, str, float]) -> Profile:
    profile: Profile | None = Profile()
    for offset, (item_id, action, at) in enumerate(acts):
        event = act(item_id, action=action, at=at)
        profile = fold(profile or Profile(), event, gains=GAINS, partition=3, offset=offset)
    assert profile is not None
    return profile


def names(visit: CoVisit) -> list[str]:
    return [before.item_id for before in visit.before]


def test_it_says_when_how_and_where_the_event_stands() -> None:
    assert visit_of(act(), Profile()) == CoVisit(NOW, 1.0, True, 3, 120, is_visit=True)


def test_what_came_before_is_named_newest_first_with_the_time_between() -> None:
    profile = who_did(("dune", "click", NOW - 100), ("solaris", "click", NOW - 1))
    assert visit_of(act(), profile).before == (Before("solaris", 1.0), Before("dune", 100.0))


def test_the_gap_is_in_tenths_of_a_second() -> None:
    profile = who_did(("dune", "click", NOW - 1.26))
    assert visit_of(act(), profile).before == (Before("dune", 1.3),)


def test_an_item_is_named_once_at_its_newest_visit() -> None:
    profile = who_did(("dune", "click", 1.0), ("solaris", "click", 2.0), ("dune", "click", 3.0))
    assert visit_of(act(), profile).before == (Before("dune", 997.0), Before("solaris", 998.0))


def test_the_item_itself_did_not_come_before_itself() -> None:
    profile = who_did(("dune", "click", 1.0), ("emma", "click", 2.0))
    visit = visit_of(act("emma"), profile)
    assert names(visit) == ["dune"]
    assert not visit.first


def test_a_late_event_has_no_negative_gap() -> None:
    profile = who_did(("dune", "click", NOW + 500))
    assert visit_of(act(), profile).before == (Before("dune", 0.0),)


@pytest.mark.parametrize("action", ["skip", "listed"])
def test_who_turns_an_item_down_comes_from_nowhere(action: str) -> None:
    visit = visit_of(act(action=action), who_did(("dune", "click", 1.0)))
    assert visit.before == ()
    assert visit.gain <= 0


@pytest.mark.parametrize("action", ["skip", "listed"])
def test_what_was_turned_down_did_not_come_before(action: str) -> None:
    profile = who_did(("dune", action, 1.0), ("solaris", "click", 2.0))
    assert names(visit_of(act(), profile)) == ["solaris"]


def test_a_bad_rating_is_a_visit_all_the_same() -> None:
    rating = act(action="rating", value=0.5)
    visit = visit_of(rating, who_did(("dune", "click", 1.0)))
    assert visit.gain < 0
    assert names(visit) == ["dune"]


def test_what_was_rated_badly_came_before_all_the_same() -> None:
    profile = Profile(history=(Entry(1.0, "dune", "rating", -2.0),))
    assert names(visit_of(act(), profile)) == ["dune"]


def test_of_a_long_history_the_newest_are_named() -> None:
    profile = who_did(*((f"item-{n:02}", "click", float(n)) for n in range(50)))
    newest = [f"item-{n:02}" for n in range(49, 49 - MAX_BEFORE, -1)]
    assert names(visit_of(act(), profile)) == newest


def test_those_that_are_not_named_take_no_place() -> None:
    skipped = [(f"skip-{n}", "skip", 100.0 + n) for n in range(40)]
    profile = who_did(("dune", "click", 1.0), *skipped)
    assert names(visit_of(act(), profile)) == ["dune"]


def test_the_owner_of_an_item_is_not_told_who_it_was() -> None:
    event = msgspec.structs.replace(act(), user_id="somebody-particular")
    visit = visit_of(event, who_did(("dune", "click", 1.0)))
    assert b"somebody" not in encode_co_visit(visit)


@LAW
@given(acts=ACTS)
def test_a_co_visit_keeps_its_promises(acts: Acts) -> None:
    visit = visit_of(act("item-07"), who_did(*acts))
    assert len(visit.before) <= MAX_BEFORE
    assert len(set(names(visit))) == len(names(visit))
    assert "item-07" not in names(visit)
    assert set(names(visit)) <= {item_id for item_id, action, _ in acts if action == "click"}
    assert visit.first == ("item-07" not in {item_id for item_id, _, _ in acts})
    gaps = [before.gap for before in visit.before]
    assert gaps == sorted(gaps)
    assert decode_co_visit(encode_co_visit(visit)) == visit


@pytest.mark.parametrize(("action", "visits"), [("click", True), ("skip", False)])
def test_who_skips_an_item_did_not_come_to_it(action: str, visits: bool) -> None:
    assert visit_of(act(action=action), Profile()).is_visit is visits
