"""When what is left in a log goes is said as Kafka does it, with the settings that decide."""

import pytest

from agents.clearing import UNTOLD, when_gone
from agents.traces import Trace
from agents.wording import moment
from streams.origins import Origin

HOUR, DAY = 3600.0, 86_400.0
NEWEST = 1_800_000_000.0
NEVER = "9223372036854775807"


def left(count: int = 3, *, removals: int = 0) -> Trace:
    return Trace(
        "profiles", left=count, removals=removals, newest=NEWEST, last=Origin("profiles", 2, 41)
    )


def ms(seconds: float) -> str:
    return str(int(seconds * 1000))


DELETED = {"cleanup.policy": "delete", "retention.ms": ms(DAY), "segment.ms": ms(12 * HOUR)}
COMPACTED = {
    "cleanup.policy": "compact",
    "retention.ms": "-1",
    "segment.ms": ms(12 * HOUR),
    "max.compaction.lag.ms": ms(DAY),
    "delete.retention.ms": ms(DAY),
    "min.cleanable.dirty.ratio": "0.5",
}


def test_nothing_left_needs_no_words() -> None:
    assert when_gone(Trace("profiles"), COMPACTED) == ""


def test_deleted_by_time_is_retention_and_the_time_its_file_is_written_to() -> None:
    words = when_gone(left(), DELETED)
    assert words.startswith(f"by {moment(NEWEST + 36 * HOUR)}")


@pytest.mark.parametrize("retention", ["-1", NEVER])
def test_kept_for_ever_is_said_with_the_way_out(retention: str) -> None:
    words = when_gone(left(), {**DELETED, "retention.ms": retention})
    assert words.startswith("never")
    assert "profiles-2 before offset 42" in words


def test_kept_by_size_says_the_size() -> None:
    words = when_gone(left(), {**DELETED, "retention.ms": "-1", "retention.bytes": "1000000"})
    assert "1,000,000 bytes" in words


def test_compacted_in_bounded_time_says_from_when_and_what_it_takes() -> None:
    words = when_gone(left(), COMPACTED)
    assert moment(NEWEST + DAY) in words
    assert "once another record has come" in words


def test_compacted_without_a_bound_is_no_set_time() -> None:
    words = when_gone(left(), {**COMPACTED, "max.compaction.lag.ms": NEVER})
    assert words.startswith("at no set time")
    assert "headwater topics check" in words


def test_a_removal_alone_goes_after_its_own_time() -> None:
    assert "delete.retention.ms" in when_gone(left(1, removals=1), COMPACTED)
    assert "max.compaction.lag.ms" not in when_gone(left(1, removals=1), COMPACTED)


def test_compacted_and_deleted_says_both() -> None:
    both = {**COMPACTED, "cleanup.policy": "compact,delete", "retention.ms": ms(7 * DAY)}
    words = when_gone(left(), both)
    assert moment(NEWEST + DAY) in words
    assert f"at the latest by {moment(NEWEST + 7.5 * DAY)}" in words


def test_a_broker_that_does_not_tell_is_said_to_be_one() -> None:
    assert when_gone(left(), {}) == UNTOLD
