"""Lines of a slate begin differently where they can; none loses more than it must."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from slates.reasons.options import Option
from slates.reasons.variety import SHARE, vary
from tests.support.laws import law

LAW = law(200)
OPTIONS = st.builds(
    lambda kind, source, strength: Option(kind, source, strength, {}),
    st.sampled_from(["co-visit", "similar", "new"]),
    st.sampled_from(["a", "b"]),
    st.floats(0, 5),
)
PLACES = st.lists(
    st.lists(OPTIONS, min_size=1, max_size=5).map(lambda some: sorted(some, key=lambda o: -o[2])),
    max_size=30,
)


def key(option: Option) -> tuple[str, str]:
    return option.kind, option.source


@LAW
@given(options=PLACES)
def test_what_is_said_too_often_is_said_only_where_nothing_else_can_be(
    options: list[list[Option]],
) -> None:
    first = vary(options)
    said = Counter(key(some[n]) for some, n in zip(options, first, strict=True))
    limit = -(-len(options) // SHARE)
    for some, n in zip(options, first, strict=True):
        if said[key(some[n])] > limit:
            assert all(said[key(other)] >= limit for other in some)


@LAW
@given(options=PLACES)
def test_a_slate_that_is_varied_already_stays_as_it_is(options: list[list[Option]]) -> None:
    strongest = Counter(key(some[0]) for some in options)
    if all(n <= -(-len(options) // SHARE) for n in strongest.values()):
        assert vary(options) == [0] * len(options)


def test_the_place_that_loses_least_gives_way() -> None:
    liked, new = Option("similar", "a", 3.0, {}), Option("new", "", 1.0, {})
    better = Option("trending", "", 2.9, {})
    assert vary([[liked, new], [liked, better], [liked, new]]) in ([1, 1, 0], [0, 1, 1])
    assert vary([[liked], [liked, better], [liked, new], [liked, new]]) == [0, 1, 1, 0]


def test_no_places_need_no_variety() -> None:
    assert vary([]) == []
