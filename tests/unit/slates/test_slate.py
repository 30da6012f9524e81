"""A slate comes back from the topic as it was sent."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.slate import (
    Reason,
    Slate,
    SlateItem,
    Timings,
    Versions,
    decode_slate,
    encode_slate,
)
from streams.requests import Trigger
from tests.support.laws import law

LAW = law(50)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
EVIDENCE = st.dictionaries(
    st.text(max_size=6), st.integers(-9, 9) | NUMBERS | st.text(max_size=6) | st.none(), max_size=3
)
REASONS = st.builds(
    Reason,
    kind=st.sampled_from(["similar", "trending", "popular", "new", "explore"]),
    text=st.text(max_size=20),
    evidence=EVIDENCE,
)
ITEMS = st.builds(
    SlateItem,
    item_id=st.text(max_size=6),
    title=st.text(max_size=6),
    rank=st.integers(0, 99),
    score=NUMBERS,
    sources=st.dictionaries(st.text(max_size=6), NUMBERS, max_size=3),
    reasons=st.lists(REASONS, max_size=2).map(tuple),
)
SLATES = st.builds(
    Slate,
    slate_id=st.text(max_size=6),
    user_id=st.text(max_size=6),
    revision=st.integers(1, 2),
    strategy=st.just("hybrid"),
    scenario=st.just("feed"),
    trigger=st.builds(Trigger, st.text(max_size=6), st.just("click"), NUMBERS, NUMBERS),
    items=st.lists(ITEMS, max_size=3).map(tuple),
    ranked_by=st.sampled_from(["engine", "model"]),
    degraded=st.lists(st.text(max_size=6), max_size=2).map(tuple),
    versions=st.builds(
        Versions, encoder=st.text(max_size=6), trends=st.just({0: 7}), rankers=st.just({1: 2})
    ),
    timings=st.builds(Timings, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    produced_at=NUMBERS,
    note=st.text(max_size=6),
    supersedes=st.lists(st.text(max_size=6), max_size=3).map(tuple),
)


@LAW
@given(slate=SLATES)
def test_decoding_what_was_encoded_gives_the_slate_back(slate: Slate) -> None:
    assert decode_slate(encode_slate(slate)) == slate


@LAW
@given(slate=SLATES)
def test_the_same_slate_is_the_same_bytes(slate: Slate) -> None:
    assert encode_slate(decode_slate(encode_slate(slate))) == encode_slate(slate)


@LAW
@given(slate=SLATES)
def test_a_slate_answers_what_it_supersedes_and_its_own_trigger_last(slate: Slate) -> None:
    assert slate.answers == (*slate.supersedes, slate.trigger.id)
    assert decode_slate(encode_slate(slate)).answers == slate.answers


@LAW
@given(slate=SLATES)
def test_a_slate_sent_before_there_was_superseding_supersedes_nothing(slate: Slate) -> None:
    older = msgspec.json.decode(encode_slate(slate))
    del older["supersedes"]
    assert decode_slate(msgspec.json.encode(older)) == msgspec.structs.replace(slate, supersedes=())


@LAW
@given(slate=SLATES)
def test_a_slate_sent_before_rankers_were_named_is_read_without_them(slate: Slate) -> None:
    older = msgspec.json.decode(encode_slate(slate))
    del older["versions"]["rankers"]
    versions = msgspec.structs.replace(slate.versions, rankers={})
    read = decode_slate(msgspec.json.encode(older))
    assert read == msgspec.structs.replace(slate, versions=versions)


@pytest.mark.parametrize("value", [b"", b"{}", b"null", b"\xff"])
def test_what_is_no_slate_is_a_decode_error(value: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_slate(value)
