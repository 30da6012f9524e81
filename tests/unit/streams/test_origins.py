"""Ids come from where a record stands, so that a replay draws the same ones."""

from hypothesis import given
from hypothesis import strategies as st

from streams.origins import Origin, slate_id
from tests.support.laws import law

LAW = law(50)
ORIGINS = st.builds(
    Origin,
    st.text("abcdefghijklmnopqrstuvwxyz.-_0123456789", min_size=1, max_size=20),
    st.integers(0, 10_000),
    st.integers(0, 2**63 - 1),
)


def test_an_origin_reads_as_topic_partition_and_offset() -> None:
    assert str(Origin("item-vectors", 3, 120)) == "item-vectors-3-120"


@LAW
@given(one=ORIGINS, other=ORIGINS)
def test_different_places_have_different_ids(one: Origin, other: Origin) -> None:
    assert (str(one) == str(other)) == (one == other)


@LAW
@given(origin=ORIGINS)
def test_an_id_tells_its_place(origin: Origin) -> None:
    topic, partition, offset = str(origin).rsplit("-", 2)
    assert Origin(topic, int(partition), int(offset)) == origin


def test_the_slate_of_a_trigger_always_has_the_same_id() -> None:
    assert slate_id("events-3-120") == slate_id("events-3-120") == "slate-events-3-120"
    assert slate_id("events-3-120") != slate_id("events-3-121")
