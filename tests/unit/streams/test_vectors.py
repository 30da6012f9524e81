"""An encoded item comes back whole, or is refused by name; a ruined vector never does."""

import math
import struct

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streams.enhancements import Enhancement
from streams.errors import MalformedVector
from streams.items import ItemFacts
from streams.vectors import SHORTEST, VectorRecord, check_vector, decode_vector, encode_vector
from tests.support.laws import law

LAW = law(50)
DIM = 4
HEAD_BYTES = 48

STORED = (
    b"\x01\x00\x04\x00encoder10123456789abcdef\x02\x00\x00\x00"
    b",\x01\x00\x00\x00\x00\x00\x00\x00\x00 @\xfcT\xd9A"
    b"\x00<\x00\xb8\x00\x00\x004"
    b'{"title":"Dune","tags":["classic"],"attributes":{"year":1965.0},"published_at":7.0}'
)
"""The released layout, version 1: what `item-vectors` holds today must be read for ever."""
STORED_ENHANCED = (
    STORED[:-1] + b',"enhanced":{"of":"MDEyMzQ1Njc4OWFiY2RlZg==","by":"small",'
    b'"asked":"enhance/1","mood":"dark"},"worth":true}'
)
"""The same with what was added to the item; those who do not know of that pass it over."""
RECORD = VectorRecord(
    fingerprint=b"encoder1",
    content_hash=b"0123456789abcdef",
    vector=np.array([1, -0.5, 0, 0.25], np.float16),
    facts=ItemFacts("Dune", ("classic",), {"year": 1965.0}, 7.0),
    partition=2,
    offset=300,
    announced_at=1_700_000_000.5,
)

HALVES = st.floats(-60_000, 60_000, width=16)
RECORDS = st.builds(
    VectorRecord,
    fingerprint=st.binary(min_size=8, max_size=8),
    content_hash=st.binary(min_size=16, max_size=16),
    vector=st.lists(HALVES, min_size=DIM, max_size=DIM)
    .filter(lambda row: math.hypot(*row) > 2 * SHORTEST)
    .map(lambda row: np.array(row, np.float16)),
    facts=st.builds(
        ItemFacts,
        title=st.text(max_size=8),
        tags=st.lists(st.text(max_size=4), max_size=2).map(tuple),
        attributes=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
        published_at=st.none() | st.floats(0, 1e10),
        worth=st.booleans(),
        enhanced=st.none()
        | st.builds(
            Enhancement,
            of=st.binary(min_size=16, max_size=16),
            by=st.sampled_from(["engine", "small"]),
            asked=st.sampled_from(["", "enhance/1"]),
            summary=st.text(max_size=8),
            tags=st.lists(st.text(max_size=4), max_size=2).map(tuple),
            mood=st.text(max_size=4),
        ),
    ),
    partition=st.integers(0, 2**32 - 1),
    offset=st.integers(0, 2**64 - 1),
    announced_at=st.floats(0, 1e10),
)


def same(one: VectorRecord, other: VectorRecord) -> bool:
    """Records do not compare by themselves: an array has no truth."""
    a, b = (msgspec.structs.asdict(record) for record in (one, other))
    return np.array_equal(a.pop("vector"), b.pop("vector")) and a == b


def with_vector(*numbers: float) -> bytes:
    """The stored record with other numbers in it, as a broken encoder would send them."""
    row = np.array(numbers, "<f2").tobytes()
    return STORED[:HEAD_BYTES] + row + STORED[HEAD_BYTES + 2 * DIM :]


# Round trip


@LAW
@given(record=RECORDS)
def test_decoding_what_was_encoded_gives_the_record_back(record: VectorRecord) -> None:
    assert same(decode_vector("dune", encode_vector(record), dim=DIM), record)


def test_a_record_stored_in_the_released_layout_is_read() -> None:
    assert same(decode_vector("dune", STORED, dim=DIM), RECORD)


def test_the_released_layout_is_still_what_is_written() -> None:
    assert encode_vector(RECORD) == STORED


def test_what_was_added_to_an_item_is_stored_behind_its_facts() -> None:
    enhanced = Enhancement(of=b"0123456789abcdef", by="small", asked="enhance/1", mood="dark")
    facts = msgspec.structs.replace(RECORD.facts, enhanced=enhanced, worth=True)
    stored = encode_vector(msgspec.structs.replace(RECORD, facts=facts))
    assert stored == STORED_ENHANCED
    assert decode_vector("dune", stored, dim=DIM).facts == facts


def test_single_precision_is_stored_in_half() -> None:
    row = np.array([1 / 3, 0, 0, 0], np.float32)
    record = msgspec.structs.replace(RECORD, vector=row)
    stored = decode_vector("dune", encode_vector(record), dim=DIM).vector
    assert stored.dtype == np.float16
    assert stored[0] == pytest.approx(1 / 3, abs=1e-3)


def test_every_other_number_of_a_longer_array_can_be_stored() -> None:
    sparse = np.arange(2 * DIM, dtype=np.float16)[::2]
    record = msgspec.structs.replace(RECORD, vector=sparse)
    assert np.array_equal(decode_vector("dune", encode_vector(record), dim=DIM).vector, sparse)


# Refusals


def test_another_version_is_refused() -> None:
    with pytest.raises(MalformedVector, match=r"'dune': version b'\\x02', expected 1"):
        decode_vector("dune", b"\x02" + STORED[1:], dim=DIM)


@pytest.mark.parametrize("dim", [DIM - 1, DIM + 1, 384])
def test_another_size_is_refused_with_both(dim: int) -> None:
    with pytest.raises(MalformedVector, match=rf"'dune': \(4,\), expected \({dim},\)"):
        decode_vector("dune", STORED, dim=dim)


def test_a_size_that_is_not_there_is_refused() -> None:
    longer = STORED[:2] + struct.pack("<H", 384) + STORED[4:]
    with pytest.raises(MalformedVector, match=r"\(384,\)"):
        decode_vector("dune", longer, dim=384)


@pytest.mark.parametrize("length", range(len(STORED)))
def test_a_record_cut_short_anywhere_is_refused(length: int) -> None:
    with pytest.raises(MalformedVector, match=r"^'dune': "):
        decode_vector("dune", STORED[:length], dim=DIM)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", range(DIM))
def test_nan_or_infinity_at_any_place_is_refused(number: float, place: int) -> None:
    numbers = [1.0] * DIM
    numbers[place] = number
    with pytest.raises(MalformedVector, match="'dune': NaN or infinity"):
        decode_vector("dune", with_vector(*numbers), dim=DIM)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_vector_without_a_direction_is_refused(zero: float) -> None:
    with pytest.raises(MalformedVector, match="'dune': all but zero"):
        decode_vector("dune", with_vector(*[zero] * DIM), dim=DIM)


def test_a_length_no_index_would_take_is_refused() -> None:
    tiny = float(np.nextafter(np.float16(0), np.float16(1)))
    with pytest.raises(MalformedVector, match="'dune': all but zero"):
        decode_vector("dune", with_vector(0, 0, 0, tiny), dim=DIM)


@pytest.mark.parametrize(
    "facts", [b"", b"{", b"null", b"{}", b'{"title":7}', b'{"title":"\xff"}', b'{"title":"x"}}']
)
def test_facts_that_cannot_be_read_are_refused(facts: bytes) -> None:
    with pytest.raises(MalformedVector, match="'dune': facts"):
        decode_vector("dune", STORED[: HEAD_BYTES + 2 * DIM] + facts, dim=DIM)


@pytest.mark.parametrize("row", [np.ones(3, np.float32), np.array([0.0, 1e-3])])
def test_a_finite_vector_with_a_direction_passes(row: NDArray[np.floating]) -> None:
    check_vector("dune", row)


# Any bytes


@LAW
@given(value=st.binary(max_size=120))
def test_any_bytes_decode_or_are_refused(value: bytes) -> None:
    _decode_or_refuse(value)


@LAW
@given(tail=st.binary(max_size=80))
def test_any_bytes_with_the_right_head_decode_or_are_refused(tail: bytes) -> None:
    _decode_or_refuse(STORED[:HEAD_BYTES] + tail)


@LAW
@given(places=st.dictionaries(st.integers(0, len(STORED) - 1), st.integers(0, 255), max_size=4))
def test_altered_records_decode_or_are_refused(places: dict[int, int]) -> None:
    value = bytearray(STORED)
    for place, byte in places.items():
        value[place] = byte
    _decode_or_refuse(bytes(value))


def test_deeply_nested_facts_are_refused() -> None:
    _decode_or_refuse(STORED[:-1] + b',"x":' + b"[" * 5000 + b"]" * 5000 + b"}")


def _decode_or_refuse(value: bytes) -> None:
    try:
        record = decode_vector("dune", value, dim=DIM)
    except MalformedVector:
        return
    assert record.vector.shape == (DIM,)
    assert np.isfinite(record.vector).all()
    assert record.vector.any()
