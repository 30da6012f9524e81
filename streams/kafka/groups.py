"""
Who is in a consumer group.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import InconsistentGroupProtocolError, KafkaError, for_code

from streams.kafka.brokers import Broker, admin_client


class Member(NamedTuple):
    """One member of a group, as its coordinator knows it."""

    client: str
    """What it calls itself."""
    host: str
    """Where it connects from."""
    assignor: str
    """How the group divides partitions among its members."""
    reads: frozenset[str]
    """Topics it wants; none where it does not say so."""
    owns: frozenset[str]
    """Topics of which it has partitions."""


async def group_members(broker: Broker, group: str) -> list[Member]:
    """
    Who is in a group now.

    Returns:
        Nobody while members come and go, for then the broker does not tell what they read; and
        nobody where it cannot tell, such as the embedded one, or does not want to.
    """
    try:
        async with admin_client(broker) as admin:
            (reply,) = await admin.describe_consumer_groups([group])
    except KafkaError:
        return []
    (found,) = reply.to_object()["groups"]
    if for_code(found["error_code"]).errno or found["state"] != "Stable":
        return []
    is_consumer = found["protocol_type"] == ConsumerProtocol.PROTOCOL_TYPE
    return [_member(m, found["protocol"], is_consumer=is_consumer) for m in found["members"]]


def _member(found: dict[str, Any], assignor: str, *, is_consumer: bool) -> Member:
    reads, owns = frozenset[str](), frozenset[str]()
    if is_consumer and found["member_metadata"]:
        reads = frozenset(ConsumerProtocol.METADATA.decode(found["member_metadata"]).subscription)
    if is_consumer and found["member_assignment"]:
        assignment = ConsumerProtocol.ASSIGNMENT.decode(found["member_assignment"])
        owns = frozenset(tp.topic for tp in assignment.partitions())
    return Member(found["client_id"], found["client_host"].removeprefix("/"), assignor, reads, owns)


def divides_otherwise(error: BaseException) -> bool:
    """Is this what a group says to one who divides partitions in another way than its members?"""
    return isinstance(error, InconsistentGroupProtocolError)
