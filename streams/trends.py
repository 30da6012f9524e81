"""
How items are doing, and after which others: a pure fold of co-visits into one trend per item.

Each interaction sends one co-visit, keyed by item and without a user id, to the item's owner.
Trends are exact under repeats: a guard per source partition skips what was counted before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, TypeAlias

import msgspec

from streams.predecessors import Before, Count, Predecessors, fold_before, is_sound
from streams.wire import require_version

VERSION = 2
DAY = 86_400.0
MAX_AT = 1e11
"""Latest event time, seconds since 1970; a later one would keep a trend from ever moving again."""
MAX_GAIN = 1e6
"""Largest gain; sums of larger ones could become infinite, which JSON cannot say."""
MAX_DAYS = 8
"""Days of first visits kept: a week, and the day under way."""
SURGE = 8.0
"""How many times as fast as popularity a surge decays: a day, where that has a week."""


People: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""Different users; a larger number would fit into no column of a replica."""


class CoVisit(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One interaction, as the owner of the item hears of it."""

    at: float
    """Event time, seconds since 1970."""
    gain: float
    first: bool
    """Is it this user's first interaction with the item?  Firsts count people, not clicks."""
    partition: int
    """Where the event stands in `events`; with `offset` the guard against repeats."""
    offset: int
    before: tuple[Before, ...] = ()
    """What the same user had come to before, newest first; it names no user."""
    is_visit: bool = False
    """Did the user come to the item, however they liked it?"""


class Trend(msgspec.Struct, frozen=True, gc=False):
    """How one item is doing."""

    version: int = VERSION
    popularity: float = 0.0
    """Sum of positive gains, halved every half-life, as of `at`."""
    at: float = 0.0
    """Event time of the newest interaction."""
    interactions: Count = 0
    supporters: People = 0
    """Different users whose first interaction with it was no rejection."""
    days: Mapping[int, int] = {}
    """Day number (since 1970, UTC) to users whose first interaction was on that day."""
    applied: Mapping[int, int] = {}
    """Partition of `events` to the offset of the last event contained."""
    surge: float = 0.0
    """As `popularity`, `SURGE` times as fast: what is high here alone has begun to rise."""
    visitors: People = 0
    """Different users who came to it, also those who did not like it: all that could go on."""
    predecessors: Predecessors = Predecessors()
    """What people had come to before it."""


class _Layout(msgspec.Struct, gc=False):
    version: int = VERSION


_co_visit_decoder = msgspec.json.Decoder(CoVisit)
_trend_decoder = msgspec.json.Decoder(Trend)
_layout_decoder = msgspec.json.Decoder(_Layout)
_encoder = msgspec.json.Encoder()


def encode_co_visit(visit: CoVisit) -> bytes:
    """The bytes of a co-visit, as they stand on the topic."""
    return _encoder.encode(visit)


def decode_co_visit(value: bytes) -> CoVisit:
    """
    Read a co-visit.

    Raises:
        msgspec.DecodeError: It is not one, or says what would spoil a trend for good.
    """
    try:
        visit = _co_visit_decoder.decode(value)
    except RecursionError as exc:
        raise msgspec.DecodeError(f"nested too deeply: {exc}") from exc
    if not all(0 <= item.gap <= MAX_AT for item in visit.before):
        raise msgspec.ValidationError(f"a gap of before, expected 0 to {MAX_AT:g} seconds")
    if not (0 <= visit.at <= MAX_AT and abs(visit.gain) <= MAX_GAIN):
        raise msgspec.ValidationError(
            f"at {visit.at:g} and gain {visit.gain:g}, "
            f"expected 0 to {MAX_AT:g} and at most {MAX_GAIN:g} either way"
        )
    return visit


def encode_trend(trend: Trend) -> bytes:
    """The bytes of a trend, as they stand on `item-trends`."""
    return _encoder.encode(trend)


def decode_trend(value: bytes) -> Trend:
    """
    Read a trend, in the layout of this or an earlier version.

    Raises:
        msgspec.DecodeError: It is none, or a later version wrote it.
    """
    trend = _trend_decoder.decode(value)
    require_version(trend.version, known=VERSION)
    if not is_sound(trend.predecessors):
        raise msgspec.ValidationError("predecessors in columns of unequal length, or too many")
    return trend


def glance_trend(value: bytes) -> None:
    """
    Look whether bytes can be a trend of this or an earlier version, without making one.

    Raises:
        msgspec.DecodeError: It is no JSON object, or a later version wrote it.
    """
    require_version(_layout_decoder.decode(value).version, known=VERSION)


def fold(trend: Trend, visit: CoVisit, *, half_life: float) -> Trend:
    """
    Add one co-visit to an item's trend.

    Args:
        trend: What was known before; `Trend()` for a new item.
        visit: What happened; negative gains are counted but do not make it popular.
        half_life: Seconds after which an interaction counts half.

    >>> day = 86_400.0
    >>> old = fold(Trend(), CoVisit(0.0, 1.0, True, 0, 0), half_life=day)
    >>> fold(old, CoVisit(day, 1.0, True, 0, 1), half_life=day).popularity
    1.5
    """
    if visit.offset <= trend.applied.get(visit.partition, -1):
        return trend
    at = max(trend.at, visit.at)
    return Trend(
        popularity=_grown(trend.popularity, trend, visit, at, half_life),
        at=at,
        interactions=trend.interactions + 1,
        supporters=trend.supporters + _came(visit),
        days=_days(trend.days, visit),
        applied={**trend.applied, visit.partition: visit.offset},
        surge=_grown(trend.surge, trend, visit, at, half_life / SURGE),
        visitors=trend.visitors + (visit.first and visit.is_visit),
        predecessors=fold_before(trend.predecessors, visit.before, first=visit.first),
    )


def _grown(amount: float, trend: Trend, visit: CoVisit, at: float, half_life: float) -> float:
    """An amount as of `at`, with the visit in it."""
    known = _decayed(amount, at - trend.at, half_life)
    return known + _decayed(max(visit.gain, 0.0), at - visit.at, half_life)


def _decayed(amount: float, age: float, half_life: float) -> float:
    halvings: float = age / half_life
    return amount * math.exp2(-halvings)


def _came(visit: CoVisit) -> bool:
    """Is it one more person?  Who turned an item down did not come to it."""
    return visit.first and visit.gain > 0


def _days(days: Mapping[int, int], visit: CoVisit) -> Mapping[int, int]:
    if not _came(visit):
        return days
    day = int(visit.at // DAY)
    newest = max([day, *days])
    counted = {**days, day: days.get(day, 0) + 1}
    return {d: n for d, n in counted.items() if d > newest - MAX_DAYS}


def popularity_at(trend: Trend, now: float, *, half_life: float) -> float:
    """The popularity as of another time; one before the newest interaction counts as that."""
    return _decayed(trend.popularity, max(now - trend.at, 0.0), half_life)


def standing(trend: Trend, *, half_life: float) -> float:
    """A number that orders items by popularity at any time: all decay alike."""
    return standing_of(trend.popularity, trend.at, half_life=half_life)


def standing_of(amount: float, at: float, *, half_life: float) -> float:
    """
    An amount that halves every half-life, as a number that does not change; -inf for none.

    Source:
        Forward decay, Cormode et al., ICDE 2009: compare log(amount) + landmark time.
    """
    return math.log2(amount) + at / half_life if amount > 0 else -math.inf


def people_since(trend: Trend, now: float, *, days: int) -> int:
    """
    Different users who came to the item within the last days, today included.

    >>> people_since(Trend(days={10: 3, 4: 2, 3: 9}), now=10.5 * 86_400.0, days=7)
    5
    """
    today = int(now // DAY)
    return sum(n for day, n in trend.days.items() if today - days < day <= today)
