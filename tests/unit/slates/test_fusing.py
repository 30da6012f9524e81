"""Fusion: the engine's order, moved by the model as far as it has earned."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from slates.fusing import fuse, weight_of

IDS = tuple(f"i{k}" for k in range(20))
ORDERS = st.permutations(IDS)


def moved(order: tuple[str, ...]) -> int:
    """Pairs that stand the other way round than the engine had them."""
    places = [IDS.index(item_id) for item_id in order]
    return sum(one > other for one, other in combinations(places, 2))


@given(ORDERS, st.floats(0, 10))
def test_it_is_a_permutation(model: list[str], weight: float) -> None:
    assert sorted(fuse(IDS, model, weight=weight)) == sorted(IDS)


@given(ORDERS)
def test_without_weight_nothing_moves(model: list[str]) -> None:
    assert fuse(IDS, model, weight=0.0) == IDS


@given(ORDERS, st.integers(0, 100), st.integers(0, 1000), st.floats(0.01, 1))
def test_the_more_is_known_of_a_user_the_less_the_model_moves(
    model: list[str], known: int, more: int, trust: float
) -> None:
    less, much = (weight_of(n, trust=trust) for n in (known, known + more))
    assert much <= less
    assert moved(fuse(IDS, model, weight=much)) <= moved(fuse(IDS, model, weight=less))


def test_a_user_with_much_history_moves_hardly() -> None:
    order = fuse(IDS, tuple(reversed(IDS)), weight=weight_of(2_000, trust=1.0))
    assert max(abs(order.index(item_id) - k) for k, item_id in enumerate(IDS)) <= 1


def test_what_both_put_first_stays_first() -> None:
    model = (IDS[0], *reversed(IDS[1:]))
    assert fuse(IDS, model, weight=1.0)[0] == IDS[0]


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_reply_that_needed_repair_counts_less(interactions: int, trust: float) -> None:
    assert 0 <= weight_of(interactions, trust=trust) <= weight_of(interactions, trust=1.0) <= 1
