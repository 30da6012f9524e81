"""Where a consumer is to go on, held against the log that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from faust.types import TP


class Contained(NamedTuple):
    """Up to where a partition was folded into the state that is kept of it."""

    changelog: str
    """Where that state stands."""
    offset: int
    """The last one contained."""


def forgotten(committed: Mapping[TP, int], begins: Mapping[TP, int]) -> Iterator[str]:
    """
    What retention has deleted before it was read; aiokafka goes on at the beginning and is silent.

    Args:
        committed: The next offset to read, by partition.
        begins: The first that is still there.
    """
    for tp, offset in committed.items():
        if offset < begins[tp]:
            yield (
                f"{tp.topic}-{tp.partition}: offset {offset} was to be read next, but the log "
                f"begins at {begins[tp]}: {begins[tp] - offset} records were deleted before they "
                "were read and will never be folded; it goes on with those that are left; "
                "lengthen the topic's retention"
            )


def beyond(
    read: Mapping[TP, int],
    contained: Mapping[TP, Contained],
    ends: Mapping[TP, int],
    *,
    group: str,
) -> str | None:
    """
    What was read of a log and is not on it: it was made anew, or has lost its end.

    Args:
        read: The next offset to read, by partition.
        contained: State that takes what it contains for a repeat.
        ends: The offset that the next record gets.
        group: The consumer group that reads.

    Returns:
        All such partitions, and what to do; None where there is none.

    >>> print(beyond({TP("items", 0): 9}, {}, {TP("items", 0): 3}, group="headwater"))
    ... # doctest: +ELLIPSIS
    items-0 ends at 3, offset 9 was to be read next: the topic was deleted and made anew, ...
    """
    facts = {}
    for tp in sorted(ends):
        state = contained.get(tp)
        if state is not None and state.offset >= ends[tp]:
            facts[tp] = f"{state.changelog}-{tp.partition} contains its offset {state.offset}"
        elif read.get(tp, 0) > ends[tp]:
            facts[tp] = f"offset {read[tp]} was to be read next"
    if not facts:
        return None
    listed = "; ".join(
        f"{t}-{p} ends at {ends[TP(t, p)]}, {fact}" for (t, p), fact in facts.items()
    )
    topics = sorted({tp.topic for tp in facts})
    remedy = GIVE_UP if any(tp in contained for tp in facts) else ""
    return (
        f"{listed}: the topic was deleted and made anew, or has lost its end, and what is there "
        "now would be skipped or taken for repeats, so nothing is read: bring the old log back, "
        f"or stop all workers{remedy}, kafka-consumer-groups.sh --reset-offsets --to-earliest "
        f"--execute --group {group} {' '.join(f'--topic {topic}' for topic in topics)}, and start"
    )


GIVE_UP = (
    ", give up what was made of the old log (delete the topics of profiles, item-trends and "
    "co-visits, run `headwater topics create`)"
)
