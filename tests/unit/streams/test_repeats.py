"""A repeat is recognised as long as it is not too old, and memory stays bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.repeats import Repeats
from tests.support.laws import law

LAW = law(100)


@LAW
@given(ids=st.lists(st.sampled_from("abcdef")))
def test_what_is_remembered_is_new_once(ids: list[str]) -> None:
    repeats = Repeats(remembered=6)
    assert [repeats.is_new(i) for i in ids] == [i not in ids[:n] for n, i in enumerate(ids)]


def test_another_revision_is_new() -> None:
    repeats = Repeats()
    assert repeats.is_new("slate", revision=1)
    assert repeats.is_new("slate", revision=2)
    assert not repeats.is_new("slate", revision=1)


def test_the_id_not_heard_of_for_longest_is_forgotten() -> None:
    repeats = Repeats(remembered=2)
    for output_id in ("a", "b", "a", "c"):
        repeats.is_new(output_id)
    assert not repeats.is_new("a")
    assert repeats.is_new("b")


def test_to_remember_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="remembered 0"):
        Repeats(remembered=0)
