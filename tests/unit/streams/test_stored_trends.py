"""Trends and visits are stored in a layout that later versions read."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from streams.predecessors import MAX_PREDECESSORS, SLACK, Before, Predecessors
from streams.trends import (
    DAY,
    MAX_AT,
    CoVisit,
    Trend,
    decode_co_visit,
    decode_trend,
    encode_co_visit,
    encode_trend,
    fold,
    glance_trend,
)
from tests.support.visits import (
    LAW,
    TREND,
    TREND_1,
    VISIT,
    VISITS,
    WEEK,
    Drawn,
    by_partition,
    fold_all,
    interleave,
)

STORED_TREND_1 = (
    b'{"version":1,"popularity":1.5,"at":86400.0,"interactions":3,"supporters":2,'
    b'"days":{"0":1,"1":1},"applied":{"0":7,"3":120}}'
)
"""An older layout, version 1: what `item-trends` held then must be read for ever."""

STORED_TREND = (
    b'{"version":2,"popularity":1.5,"at":86400.0,"interactions":3,"supporters":2,'
    b'"days":{"0":1,"1":1},"applied":{"0":7,"3":120},"surge":0.25,'
    b'"visitors":4,"predecessors":[["dune","emma"],[2,0],[19000,8100],[10000,5000],7]}'
)
"""The released layout, version 2."""

STORED_VISIT_1 = b"[86400.0,-0.5,true,3,120]"
"""An older layout: co-visits that did not say what came before."""

VISIT_1 = CoVisit(at=DAY, gain=-0.5, first=True, partition=3, offset=120)

STORED_VISIT = b'[86400.0,2.0,true,3,120,[["dune",60.0],["emma",0.5]],true]'
"""The released layout."""


# Bytes
@LAW
@given(drawn=VISITS)
def test_decoding_what_was_encoded_gives_the_trend_back(drawn: Drawn) -> None:
    trend = fold_all(interleave(by_partition(drawn), seed=1))
    assert decode_trend(encode_trend(trend)) == trend


@LAW
@given(drawn=VISITS)
def test_decoding_what_was_encoded_gives_the_visits_back(drawn: Drawn) -> None:
    for one in interleave(by_partition(drawn), seed=1):
        assert decode_co_visit(encode_co_visit(one)) == one


def test_what_is_stored_in_the_released_layout_is_read() -> None:
    assert decode_trend(STORED_TREND) == TREND
    assert decode_co_visit(STORED_VISIT) == VISIT


def test_an_older_layout_is_still_read() -> None:
    assert decode_trend(STORED_TREND_1) == TREND_1
    assert decode_co_visit(STORED_VISIT_1) == VISIT_1


def test_a_trend_of_an_older_layout_goes_on_in_the_released_one() -> None:
    visit = msgspec.structs.replace(VISIT, offset=121)
    after = fold(decode_trend(STORED_TREND_1), visit, half_life=WEEK)
    assert (after.version, after.interactions, after.popularity) == (2, 4, 3.5)
    assert after.predecessors.item_ids == ("dune", "emma")


def test_the_released_layout_is_still_what_is_written() -> None:
    assert encode_trend(TREND) == STORED_TREND
    assert encode_co_visit(VISIT) == STORED_VISIT


def test_a_trend_of_a_later_version_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError, match="layout version 3, this Headwater knows up to 2"):
        decode_trend(STORED_TREND.replace(b'"version":2', b'"version":3'))


@pytest.mark.parametrize("change", [{"at": 1e300}, {"at": -1.0}, {"gain": 1.7e308}, {"gain": -1e7}])
def test_what_would_spoil_a_trend_for_good_is_no_co_visit(change: dict[str, float]) -> None:
    spoilt = msgspec.structs.replace(VISIT, **change)
    with pytest.raises(msgspec.DecodeError, match="expected 0 to"):
        decode_co_visit(encode_co_visit(spoilt))


@pytest.mark.parametrize("gap", [-1.0, 10 * MAX_AT])
def test_a_gap_that_cannot_be_is_no_co_visit(gap: float) -> None:
    spoilt = msgspec.structs.replace(VISIT, before=(Before("dune", 1.0), Before("emma", gap)))
    with pytest.raises(msgspec.DecodeError, match="a gap of before, expected 0 to"):
        decode_co_visit(encode_co_visit(spoilt))


TOO_MANY = MAX_PREDECESSORS + SLACK + 1

ONES = ((1,) * TOO_MANY, (1,) * TOO_MANY, (1,) * TOO_MANY)


@pytest.mark.parametrize(
    "table",
    [
        Predecessors(("dune",)),
        Predecessors(("dune",), (1,), (1,), (1, 2)),
        Predecessors(tuple(f"{n}" for n in range(TOO_MANY)), *ONES),
    ],
    ids=["no columns", "unequal columns", "too many"],
)
def test_a_trend_that_no_row_of_a_crowd_can_hold_is_refused(table: Predecessors) -> None:
    with pytest.raises(msgspec.DecodeError, match="predecessors"):
        decode_trend(encode_trend(msgspec.structs.replace(TREND, predecessors=table)))


@pytest.mark.parametrize(
    "change",
    [
        {"supporters": 2**31},
        {"supporters": -1},
        {"visitors": 2**31},
        {"interactions": 2**63},
        {"predecessors": Predecessors(("dune",), (2**63,), (1,), (1,))},
        {"predecessors": Predecessors(("dune",), (1,), (2**63,), (1,))},
        {"predecessors": Predecessors(("dune",), (1,), (1,), (-1,))},
    ],
)
def test_a_number_that_no_column_of_a_crowd_can_hold_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="Expected `int`"):
        decode_trend(encode_trend(msgspec.structs.replace(TREND, **change)))


def test_deep_nesting_is_no_co_visit() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_co_visit(b"[1.0,1,true,0,0," + b"[" * 5000 + b"]" * 5000 + b"]")


@pytest.mark.parametrize("value", [b"", b"{}", b"[1.0]", b"null", b'[1.0,1,1,0,"x"]', b"\xff"])
def test_what_is_no_co_visit_and_no_trend_is_a_decode_error(value: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_co_visit(value)
    with pytest.raises(msgspec.DecodeError):
        decode_trend(value if value != b"{}" else b"[]")


@pytest.mark.parametrize("kind", [CoVisit, Before, Trend, Predecessors])
def test_nothing_on_the_way_names_a_user(kind: type[msgspec.Struct]) -> None:
    assert not {"user", "user_id"} & set(kind.__struct_fields__)


def test_a_stored_trend_says_its_version() -> None:
    assert b'"version":2' in encode_trend(Trend())


def test_a_glance_at_a_trend_refuses_a_later_layout_and_what_is_no_object() -> None:
    value = encode_trend(Trend(popularity=2.0))
    glance_trend(value)
    for wrong in (value.replace(b'"version":2', b'"version":3'), value[:-1], b"[]", b""):
        with pytest.raises(msgspec.DecodeError):
            glance_trend(wrong)
