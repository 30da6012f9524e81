"""Who gets a place to be explored is drawn by what is known of it, and the same each time."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from slates.exploring import draw
from streams.trends import Trend
from tests.support.laws import law

LAW = law(50)
TRENDS = st.lists(
    st.builds(Trend, supporters=st.integers(0, 9), interactions=st.integers(0, 9)), max_size=12
)


@LAW
@given(trends=TRENDS, seed=st.text(max_size=8))
def test_a_draw_is_a_permutation_and_the_same_for_the_same_seed(
    trends: list[Trend], seed: str
) -> None:
    places = draw(trends, seed=seed)
    assert sorted(places) == list(range(len(trends)))
    assert draw(trends, seed=seed) == places


def test_another_seed_draws_another_order() -> None:
    trends = [Trend()] * 8
    assert len({tuple(draw(trends, seed=f"{n}")) for n in range(20)}) > 10


def test_among_those_nobody_knows_everyone_has_a_chance() -> None:
    first = Counter(draw([Trend()] * 4, seed=f"{n}")[0] for n in range(400))
    assert min(first[k] for k in range(4)) > 50


def test_what_people_came_to_is_drawn_before_what_they_turned_down() -> None:
    liked, disliked = Trend(supporters=4, interactions=4), Trend(supporters=0, interactions=4)
    first = Counter(draw([disliked, liked], seed=f"{n}")[0] for n in range(200))
    assert first[1] > 180


def test_more_supporters_than_interactions_are_no_error() -> None:
    assert draw([Trend(supporters=5, interactions=0)], seed="x") == [0]
