"""Kafka as the rest of Headwater sees it; the only package that imports aiokafka."""

from streams.errors import DeliveryFailed
from streams.kafka.brokers import Broker, cluster_id, partition_of, wait_for_broker
from streams.kafka.declaring import (
    check_topics,
    declare_topics,
    partition_counts,
    partition_differences,
    topic_settings,
)
from streams.kafka.groups import Member, divides_otherwise, group_members
from streams.kafka.logs import LogReader, Record, read_to_end
from streams.kafka.outbox import Outbox, Run
from streams.kafka.positions import Position, group_lag, group_positions
from streams.kafka.security import Security
from streams.kafka.sending import Sender

__all__ = [
    "Broker",
    "DeliveryFailed",
    "LogReader",
    "Member",
    "Outbox",
    "Position",
    "Record",
    "Run",
    "Security",
    "Sender",
    "check_topics",
    "cluster_id",
    "declare_topics",
    "divides_otherwise",
    "group_lag",
    "group_members",
    "group_positions",
    "partition_counts",
    "partition_differences",
    "partition_of",
    "read_to_end",
    "topic_settings",
    "wait_for_broker",
]
