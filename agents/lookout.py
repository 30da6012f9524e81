"""
What can change around a running worker so that it must not go on.

Topics can be given partitions, and another application can come into the group.  Neither fails by
itself: events would go where their state is not, or to somebody who never tells.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from streams.errors import GroupShared, TopicMismatch
from streams.kafka import Broker, Member, divides_otherwise, group_members, partition_differences
from streams.topics import Topics

log = logging.getLogger("headwater")

ASSIGNOR = "faust"
"""How the groups of workers divide partitions, as Faust names it to Kafka."""

Counts = Callable[[Collection[str]], Awaitable[Mapping[str, int]]]
"""Topics to their numbers of partitions now; without those the broker does not know."""


class Lookout:
    """Compares topics and group with what a worker needs."""

    def __init__(
        self, broker: Broker, names: Topics, *, group: str, reads: frozenset[str], counts: Counts
    ) -> None:
        """
        Look at nothing yet.

        Args:
            broker: Where.
            names: The topics, and how many partitions each must have.
            group: The consumer group of the worker.
            reads: Topics that the worker reads in it.
            counts: Asks the broker for numbers of partitions.
        """
        self._broker = broker
        self._names = names
        self._group = group
        self._reads = reads
        self._counts = counts
        self._said = ""

    async def check_topics(self) -> None:
        """
        Look whether topics have the partitions they had at the start.

        Raises:
            TopicMismatch: One has not; a topic that is missing is not this look's affair.
        """
        found = await self._counts(tuple(self._names.partition_counts()))
        if wrong := list(partition_differences(found, self._names.partitions)):
            raise TopicMismatch("\n".join(wrong))

    async def check_group(self) -> None:
        """
        Look who shares the partitions that were given out just now.

        Who has none of our topics does no harm, and our leaving would not help: it is only named.

        Raises:
            GroupShared: Another application has been given a part of what this worker reads.
        """
        others = strangers(await group_members(self._broker, self._group), reads=self._reads)
        text = self._sentence(others) if others else ""
        if any(other.owns & self._reads for other in others):
            raise GroupShared(text)
        if text and text != self._said:
            log.error("%s; they were given none of these topics", text)
        self._said = text

    async def explain(self, error: BaseException) -> BaseException:
        """What stands behind an error of the group's coordinator."""
        if not divides_otherwise(error):
            return error
        others = strangers(await group_members(self._broker, self._group), reads=self._reads)
        return GroupShared(self._sentence(others))

    def _sentence(self, others: Sequence[Member]) -> str:
        return shared(self._group, others, reads=self._reads)


def strangers(members: Sequence[Member], *, reads: frozenset[str]) -> list[Member]:
    """Those that are no workers with the same roles: they read other topics or divide otherwise."""
    return [m for m in members if m.assignor != ASSIGNOR or m.reads != reads]


async def require_group(broker: Broker, *, group: str, reads: frozenset[str]) -> None:
    """
    Make sure that a worker may join: it would take partitions from whoever is there.

    Raises:
        GroupShared: Somebody else is.
    """
    if others := strangers(await group_members(broker, group), reads=reads):
        raise GroupShared(shared(group, others, reads=reads))


def shared(group: str, others: Sequence[Member], *, reads: frozenset[str]) -> str:
    """
    Who is in the group, and what to do about it.

    >>> bill = Member("billing", "10.0.0.7", "range", frozenset({"events"}), frozenset())
    >>> print(shared("headwater", [bill], reads=frozenset({"events", "items"})))
    ... # doctest: +ELLIPSIS
    group 'headwater' is in use by billing at 10.0.0.7 (reads events, divides by range); this \
worker reads events, items...
    """
    who = ", ".join(dict.fromkeys(map(_described, others))) or "another application"
    taken = frozenset[str]().union(*(other.owns for other in others)) & reads
    return (
        f"group {group!r} is in use by {who}; this worker reads {_listed(reads)} and divides by "
        f"{ASSIGNOR}; members of a group share its partitions, and what one reads the others never "
        "see: stop them, give them a group id of their own, or set another HEADWATER_TOPIC_PREFIX "
        "here; if they are workers, give all of them the same --roles, and stop the old ones "
        f"before the first new one starts{_way_back(group, taken) if taken else ''}"
    )


def _way_back(group: str, taken: frozenset[str]) -> str:
    options = " ".join(f"--topic {topic}" for topic in sorted(taken))
    return (
        f"; if not, what they read of {_listed(taken)} was folded into no state: before a worker "
        "starts again, go back to before they came (what is contained already is recognised): "
        f"kafka-consumer-groups.sh --reset-offsets --to-datetime … --execute --group {group} "
        f"{options}"
    )


def _described(member: Member) -> str:
    reads = _listed(member.reads) or "what it does not tell"
    return f"{member.client} at {member.host} (reads {reads}, divides by {member.assignor})"


def _listed(topics: frozenset[str]) -> str:
    return ", ".join(sorted(topics))
