"""A ranker is a sum of lessons: each once, none too large, and readable for ever."""

import itertools
import math
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rankers import (
    CAUTION,
    MAX_STEP,
    RATE,
    Lesson,
    Ranker,
    decode_lesson,
    decode_ranker,
    encode_lesson,
    encode_ranker,
    fold_lesson,
)
from tests.support.laws import law

LAW = law(60)
START = {"close": 1.0, "fresh": 0.0}

STORED_LESSON = b'{"step":{"close":0.3,"fresh":-1.5},"partition":3,"offset":120}'
"""The released layout."""
LESSON = Lesson({"close": 0.3, "fresh": -1.5}, 3, 120)
STORED_RANKER = (
    b'{"version":1,"weights":{"close":1.25,"fresh":-0.5},"squares":{"close":0.19,"fresh":2.35},'
    b'"lessons":7,"applied":{"0":7,"3":120}}'
)
"""The released layout, version 1: what `rankers` holds today must be read for ever."""
RANKER = Ranker(
    weights={"close": 1.25, "fresh": -0.5},
    squares={"close": 0.19, "fresh": 2.35},
    lessons=7,
    applied={0: 7, 3: 120},
)

STEPS = st.floats(-MAX_STEP, MAX_STEP)
LESSONS = st.lists(
    st.tuples(st.dictionaries(st.sampled_from([*START, "gone"]), STEPS), st.integers(0, 3)),
    max_size=15,
)
Drawn = list[tuple[dict[str, float], int]]


def lessons_of(drawn: Drawn) -> list[Lesson]:
    return [Lesson(step, partition, offset) for offset, (step, partition) in enumerate(drawn)]


def fold_all(lessons: Sequence[Lesson], ranker: Ranker = Ranker()) -> Ranker:  # noqa: B008 (frozen)
    for lesson in lessons:
        ranker = fold_lesson(ranker, lesson, start=START)
    return ranker


# What a lesson adds


def test_a_lesson_moves_a_weight_the_way_it_says() -> None:
    after = fold_all([LESSON])
    assert after.weights["close"] > START["close"]
    assert after.weights["fresh"] < START["fresh"]


def test_a_step_is_as_large_as_adagrad_has_it() -> None:
    after = fold_all([LESSON])
    assert after.weights["fresh"] == pytest.approx(
        -RATE * 1.5 / math.sqrt(CAUTION + 1.5**2), abs=1e-6
    )
    assert after.squares["fresh"] == pytest.approx(CAUTION + 1.5**2)


def test_the_same_step_moves_less_each_time() -> None:
    weights = [START["close"]]
    for count in range(1, 5):
        lessons = [Lesson({"close": 1.0}, 0, offset) for offset in range(count)]
        weights.append(fold_all(lessons).weights["close"])
    moves = [after - before for before, after in itertools.pairwise(weights)]
    assert moves == sorted(moves, reverse=True)
    assert moves[-1] > 0


def test_what_a_lesson_does_not_mention_stays_as_at_the_start() -> None:
    assert fold_all([Lesson({"close": 0.3}, 0, 0)]).weights["fresh"] == START["fresh"]


def test_a_feature_this_version_does_not_have_is_left_alone() -> None:
    known = Ranker(weights={"gone": 5.0}, squares={"gone": 2.0})
    after = fold_all([Lesson({"gone": 1.0, "new": 1.0}, 0, 0)], known)
    assert after.weights == {**START, "gone": 5.0}
    assert after.squares == {"gone": 2.0}


def test_a_feature_new_to_a_ranker_begins_at_the_start() -> None:
    after = fold_all([Lesson({}, 0, 0)], Ranker(weights={"close": 3.0}))
    assert after.weights == {"close": 3.0, "fresh": START["fresh"]}


def test_the_ranker_given_is_not_changed() -> None:
    before = encode_ranker(RANKER)
    fold_all([Lesson({"close": 1.0}, 0, 8)], RANKER)
    assert encode_ranker(RANKER) == before


# Once


@pytest.mark.parametrize(
    ("partition", "offset", "repeat"),
    [(0, 6, True), (0, 7, True), (0, 8, False), (3, 120, True), (3, 121, False), (2, 0, False)],
)
def test_what_a_source_partition_sent_before_changes_nothing(
    partition: int, offset: int, repeat: bool
) -> None:
    after = fold_all([Lesson({"close": 1.0}, partition, offset)], RANKER)
    assert (after is RANKER) == repeat


@LAW
@given(drawn=LESSONS, data=st.data())
def test_folding_twice_equals_folding_once(drawn: Drawn, data: st.DataObject) -> None:
    lessons = lessons_of(drawn)
    ranker = fold_all(lessons)
    again = lessons[data.draw(st.integers(0, len(lessons))) :]
    assert fold_all(again, ranker) == ranker


@LAW
@given(drawn=LESSONS)
def test_weights_stay_finite_whatever_is_taught(drawn: Drawn) -> None:
    ranker = fold_all(lessons_of(drawn))
    assert all(math.isfinite(weight) for weight in ranker.weights.values())
    assert ranker.lessons == len(drawn)


@LAW
@given(drawn=LESSONS)
def test_no_lesson_moves_a_weight_further_than_the_rate(drawn: Drawn) -> None:
    ranker = Ranker(weights=START)
    for lesson in lessons_of(drawn):
        after = fold_all([lesson], ranker)
        assert all(abs(after.weights[n] - ranker.weights[n]) <= RATE + 1e-6 for n in START)
        ranker = after


# Bytes


@LAW
@given(drawn=LESSONS)
def test_decoding_what_was_encoded_gives_it_back(drawn: Drawn) -> None:
    lessons = lessons_of(drawn)
    ranker = fold_all(lessons)
    assert decode_ranker(encode_ranker(ranker)) == ranker
    assert [decode_lesson(encode_lesson(lesson)) for lesson in lessons] == lessons


def test_what_is_stored_in_the_released_layout_is_read() -> None:
    assert decode_ranker(STORED_RANKER) == RANKER
    assert decode_lesson(STORED_LESSON) == LESSON


def test_the_released_layout_is_still_what_is_written() -> None:
    assert encode_ranker(RANKER) == STORED_RANKER
    assert encode_lesson(LESSON) == STORED_LESSON


def test_a_ranker_of_a_later_version_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError, match="layout version 2, this Headwater knows up to 1"):
        decode_ranker(STORED_RANKER.replace(b'"version":1', b'"version":2'))


@pytest.mark.parametrize("step", [b"1e300", b"-100.1", b"100.1"])
def test_a_step_that_would_spoil_the_weights_is_no_lesson(step: bytes) -> None:
    with pytest.raises(msgspec.DecodeError, match="a step beyond 100"):
        decode_lesson(STORED_LESSON.replace(b"-1.5", step))


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"null", b'{"step":{"close":"x"}}', b"\xff"])
def test_what_is_no_lesson_is_a_decode_error(value: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_lesson(value)


@pytest.mark.parametrize("kind", [Lesson, Ranker])
def test_a_lesson_names_no_user_and_no_item(kind: type[msgspec.Struct]) -> None:
    assert not {"user", "user_id", "item", "item_id"} & set(kind.__struct_fields__)
