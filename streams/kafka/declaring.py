"""
Topics as they should be, and as a broker has them.
"""

from __future__ import annotations

from collections.abc import Mapping

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


async def check_topics(
    broker: Broker, topics: Mapping[str, Topic], *, partitions: int, configs: bool = True
) -> list[str]:
    """
    Compare a broker's topics with the table.

    Args:
        broker: Where to look.
        topics: Name on the broker to its row of the table.
        partitions: How many each must have.
        configs: Compare the cleanup policy too; the embedded broker cannot tell it.

    Returns:
        One line per difference, with topic, what it is and what was expected; empty when all is
        well.  Nothing is repaired: a changed topic may hold data somebody wants.
    """
    counts = await partition_counts(broker)
    wrong = []
    for name in topics:
        if name not in counts:
            wrong.append(f"topic {name!r} is missing: run `headwater topics create`")
        elif counts[name] != partitions:
            wrong.append(
                f"topic {name!r} has {counts[name]} partitions, expected {partitions}: "
                "set HEADWATER_PARTITIONS to what it has, or create it anew"
            )
    if configs:
        there = {name: topic for name, topic in topics.items() if name in counts}
        wrong += await _check_policies(broker, there)
    return wrong


async def _check_policies(broker: Broker, topics: Mapping[str, Topic]) -> list[str]:
    wanted = {name: topic.config()["cleanup.policy"] for name, topic in topics.items()}
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, configs={"cleanup.policy": None})
        for name in wanted
    ]
    if not resources:
        return []
    async with admin_client(broker) as admin:
        try:
            replies = await admin.describe_configs(resources)
        except IncompatibleBrokerVersion:  # a broker that cannot tell, such as the embedded one
            return []
    wrong = []
    for _, _, _, name, entries in (r for reply in replies for r in reply.resources):
        policy = next((entry[1] for entry in entries if entry[0] == "cleanup.policy"), "?")
        if set(policy.split(",")) != set(wanted[name].split(",")):
            wrong.append(f"topic {name!r} has cleanup.policy {policy}, expected {wanted[name]}")
    return wrong
