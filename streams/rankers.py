"""
What ranks: a weight per feature, learned one lesson at a time; a pure fold of lessons.

A lesson is the step that one event taught one worker, so it holds no user and no item, and folding
it is a sum.  Folding it twice equals folding it once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from streams.wire import require_version

VERSION = 1
RATE = 0.05
"""Size of a step, before what was learned already makes it smaller."""
CAUTION = 0.1
"""Squares a feature begins with: its first steps are not the largest of all."""
MAX_STEP = 100.0
"""Largest part of a lesson; features are z-scores, so a larger one is a defect."""


class Lesson(msgspec.Struct, frozen=True, gc=False):
    """What one event taught about one strategy's ranker."""

    step: Mapping[str, float]
    """Feature to the slope of the log-likelihood of what the user chose."""
    partition: int
    """Where the event stands in `events`; with `offset` the guard against repeats."""
    offset: int


class Ranker(msgspec.Struct, frozen=True, gc=False):
    """The weights of one strategy."""

    version: int = VERSION
    weights: Mapping[str, float] = {}
    """Feature to what a standard deviation of it adds to the score."""
    squares: Mapping[str, float] = {}
    """Feature to the sum of the squares of its steps."""
    lessons: int = 0
    applied: Mapping[int, int] = {}
    """Partition of `events` to the offset of the last event contained."""


_lesson_decoder = msgspec.json.Decoder(Lesson)
_ranker_decoder = msgspec.json.Decoder(Ranker)
_encoder = msgspec.json.Encoder()


def encode_lesson(lesson: Lesson) -> bytes:
    """The bytes of a lesson, as they stand on the topic."""
    return _encoder.encode(lesson)


def decode_lesson(value: bytes) -> Lesson:
    """
    Read a lesson.

    Raises:
        msgspec.DecodeError: It is none, or its steps would spoil the weights for good.
    """
    lesson = _lesson_decoder.decode(value)
    if not all(math.isfinite(step) and abs(step) <= MAX_STEP for step in lesson.step.values()):
        raise msgspec.ValidationError(f"a step beyond {MAX_STEP:g}")
    return lesson


def encode_ranker(ranker: Ranker) -> bytes:
    """The bytes of a ranker, as they stand on `rankers`."""
    return _encoder.encode(ranker)


def decode_ranker(value: bytes) -> Ranker:
    """
    Read a ranker, in the layout of this or an earlier version.

    Raises:
        msgspec.DecodeError: It is none, or a later version wrote it.
    """
    ranker = _ranker_decoder.decode(value)
    require_version(ranker.version, known=VERSION)
    return ranker


def fold_lesson(ranker: Ranker, lesson: Lesson, *, start: Mapping[str, float]) -> Ranker:
    """
    Take one step.

    Args:
        ranker: What was known before; `Ranker()` at the start.
        lesson: What an event taught.
        start: The weight of each feature before any lesson; features that are not in it are new
            to this version or gone from it, and are left alone.

    Source:
        AdaGrad, Duchi, Hazan and Singer, JMLR 2011.

    >>> fold_lesson(Ranker(), Lesson({"close": 0.3}, 0, 7), start={"close": 1.0}).weights
    {'close': 1.034412}
    """
    if lesson.offset <= ranker.applied.get(lesson.partition, -1):
        return ranker
    weights, squares = {**start, **ranker.weights}, dict(ranker.squares)
    for name, step in lesson.step.items():
        if name in start:
            squares[name] = squares.get(name, CAUTION) + step * step
            weights[name] = round(weights[name] + RATE * step / math.sqrt(squares[name]), 6)
    return Ranker(
        weights=weights,
        squares=squares,
        lessons=ranker.lessons + 1,
        applied={**ranker.applied, lesson.partition: lesson.offset},
    )
