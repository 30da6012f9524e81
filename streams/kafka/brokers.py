"""
Where Kafka is, and whether it answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError
from aiokafka.partitioner import DefaultPartitioner
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from streams.errors import BrokerUnreachable
from streams.kafka.security import Security


@dataclass(frozen=True, slots=True)
class Broker:
    """How to reach Kafka."""

    bootstrap: str
    """`host:port`, or several with commas between."""
    client_id: str = "headwater"
    fetch_wait: float = 0.1
    """Seconds a fetch may wait for data at the broker; a real Kafka wakes it at once."""
    max_request: int = 16 * 1_048_588
    """Largest request; a dead letter may be as large as what a broker ever let in."""

    security: Security = field(default_factory=Security)

    def options(self) -> dict[str, Any]:
        """What every client is made with."""
        return {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            **self.security.options(),
        }


@asynccontextmanager
async def admin_client(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client while the block lasts."""
    admin = AIOKafkaAdminClient(**broker.options())
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def wait_for_broker(broker: Broker, *, patience: float) -> None:
    """
    Return as soon as a broker answers.

    Args:
        broker: Where to look.
        patience: Seconds to keep trying.

    Raises:
        BrokerUnreachable: None did in that time.
    """
    try:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(KafkaConnectionError),
            stop=stop_after_delay(patience),
            wait=wait_fixed(0.5),
            reraise=True,
        ):
            with attempt:
                async with admin_client(broker) as admin:
                    await admin.describe_cluster()
    except ValueError as exc:  # aiokafka's word for an address it cannot read
        raise BrokerUnreachable(
            f"{broker.bootstrap} is no address: set HEADWATER_BROKER to host:port"
        ) from exc
    except KafkaConnectionError as exc:
        raise BrokerUnreachable(
            f"no Kafka broker answers at {broker.bootstrap} within {patience:g} s: "
            f"start it, or set HEADWATER_BROKER to host:port{_hint(broker)}"
        ) from exc


def _hint(broker: Broker) -> str:
    """A broker that refuses a client closes the connection and says no more."""
    if broker.security.protocol == "PLAINTEXT":
        return "; if its listener wants TLS or a password, set HEADWATER_SECURITY__PROTOCOL"
    return f"; or it refuses {broker.security}: look at its log, and at HEADWATER_SECURITY__…"


async def cluster_id(broker: Broker) -> str:
    """The id a cluster was given when it was made; another one means another log."""
    async with admin_client(broker) as admin:
        described = await admin.describe_cluster()
    return str(described["cluster_id"])


_partitioner = DefaultPartitioner()


def partition_of(key: bytes, partitions: int) -> int:
    """
    The partition a key's records go to: by murmur2, as the Java client has it.

    librdkafka has another default; its producers need `partitioner=murmur2_random`.

    >>> partition_of(b"ann", 4), partition_of(b"eve", 4)
    (2, 0)
    """
    places = list(range(partitions))
    return int(_partitioner(key, places, places))
