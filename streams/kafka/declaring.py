"""
Topics as they should be, and as a broker has them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import IncompatibleBrokerVersion, for_code

from streams.errors import TopicMismatch
from streams.kafka.brokers import Broker, admin_client
from streams.topics import Topic

_TOPIC_EXISTS = 36
"""Kafka's error code for a topic that is there already."""


async def declare_topics(
    broker: Broker, topics: Mapping[str, Topic], *, partitions: int, replication: int
) -> list[str]:
    """
    Create the topics that are missing; those that exist are left as they are.

    Returns:
        The names that were created.

    Raises:
        TopicMismatch: The broker refused one, with its reason.
    """
    new = [
        NewTopic(name, partitions, replication, topic_configs=dict(topic.config()))
        for name, topic in topics.items()
    ]
    async with admin_client(broker) as admin:
        reply = await admin.create_topics(new)
    created = []
    for name, code, *_ in reply.topic_errors:
        if code == 0:
            created.append(name)
        elif code != _TOPIC_EXISTS:
            raise TopicMismatch(f"topic {name!r}: the broker says {for_code(code)().message}")
    return created


async def partition_counts(broker: Broker) -> dict[str, int]:
    """Topic to number of partitions, of all topics there are."""
    async with admin_client(broker) as admin:
        found = await admin.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in found}


async def topic_settings(broker: Broker, names: Collection[str]) -> dict[str, dict[str, str]]:
    """
    What topics are set to, their broker's defaults included.

    Returns:
        Topic to setting to value; nothing where the broker cannot tell, such as the embedded one.
    """
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not resources:
        return {}
    async with admin_client(broker) as admin:
        try:
            replies = await admin.describe_configs(resources)
        except IncompatibleBrokerVersion:
            return {}
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for reply in replies
        for _, _, _, name, entries in reply.resources
    }


async def check_topics(
    broker: Broker,
    topics: Mapping[str, Topic],
    *,
    partitions: int,
    configs: bool = True,
    upkeep: bool = False,
) -> list[str]:
    """
    Compare a broker's topics with the table.

    Args:
        broker: Where to look.
        topics: Name on the broker to its row of the table.
        partitions: How many each must have.
        configs: Compare the settings that a worker relies on, too; the embedded broker cannot tell
            them.
        upkeep: Compare those that bound how long a forgotten user's records stay, too.

    Returns:
        One line per difference, with topic, what it is and what was expected; empty when all is
        well.  Nothing is repaired: a changed topic may hold data somebody wants.  How long records
        are kept (`retention.ms`) is not compared: that is for whoever runs it to decide.
    """
    counts = await partition_counts(broker)
    wrong = [
        f"topic {name!r} is missing: run `headwater topics create`"
        for name in topics
        if name not in counts
    ]
    wrong += partition_differences({n: counts[n] for n in topics if n in counts}, partitions)
    if configs:
        there = {name: topic for name, topic in topics.items() if name in counts}
        found = await topic_settings(broker, list(there))
        for name, settings in found.items():
            wrong += differences(name, settings, there[name].config(), upkeep=upkeep)
    return wrong


def partition_differences(found: Mapping[str, int], wanted: int) -> Iterator[str]:
    """
    Compare the numbers of partitions; one line per difference, with what mends it.

    >>> print(*partition_differences({"events": 4, "profiles": 2}, 4))
    topic 'profiles' has 2 partitions, expected 4: set HEADWATER_PARTITIONS to what all have, or \
create it anew
    """
    for name, count in found.items():
        if count < wanted:
            mended = "set HEADWATER_PARTITIONS to what all have, or create it anew"
        else:
            mended = (
                f"if all topics were made with {count}, set HEADWATER_PARTITIONS={count}; if "
                "partitions were added to it, records of a key may no longer go where its state "
                "is, and Kafka cannot take them away: stop producers and workers, and copy items "
                "and events, by key and in the order of time, to topics of another "
                "HEADWATER_TOPIC_PREFIX"
            )
        if count != wanted:
            yield f"topic {name!r} has {count} partitions, expected {wanted}: {mended}"


_Fits = Callable[[str, str], bool]
"""Will the value found do, where another one is in the table?"""


def _same_policies(found: str, wanted: str) -> bool:
    return set(found.split(",")) == set(wanted.split(","))


def _at_least(found: str, wanted: str) -> bool:
    return int(found) >= int(wanted)


def _at_most(found: str, wanted: str) -> bool:
    return int(found) <= int(wanted)


_RELIED_ON: Mapping[str, tuple[str, _Fits]] = {
    "cleanup.policy": ("", _same_policies),
    "delete.retention.ms": ("at least ", _at_least),  # local copies of state count on it
}
_UPKEEP: Mapping[str, tuple[str, _Fits]] = {
    "segment.ms": ("at most ", _at_most),
    "max.compaction.lag.ms": ("at most ", _at_most),
}


def differences(
    name: str, found: Mapping[str, str], wanted: Mapping[str, str], *, upkeep: bool
) -> Iterator[str]:
    """
    Compare the settings of one topic; one line per difference, with what mends it.

    >>> wanted = {"cleanup.policy": "compact", "segment.ms": "10"}
    >>> found = {"cleanup.policy": "compact", "segment.ms": "11"}
    >>> list(differences("profiles", found, wanted, upkeep=False))
    []
    >>> print(*differences("profiles", found, wanted, upkeep=True))  # doctest: +ELLIPSIS
    topic 'profiles' has segment.ms 11, expected at most 10: kafka-configs.sh ...
    """
    for setting, (bound, fits) in {**_RELIED_ON, **(_UPKEEP if upkeep else {})}.items():
        value = found.get(setting)
        if setting in wanted and (value is None or not fits(value, wanted[setting])):
            # What holds a comma has to stand in brackets there.
            mended = f"[{wanted[setting]}]" if "," in wanted[setting] else wanted[setting]
            yield (
                f"topic {name!r} has {setting} {value or 'unknown'}, "
                f"expected {bound}{wanted[setting]}: kafka-configs.sh --alter "
                f"--entity-type topics --entity-name {name} --add-config '{setting}={mended}'"
            )
