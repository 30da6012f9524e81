"""Members of a group are told as their coordinator has them, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    KafkaConnectionError,
)
from aiokafka.protocol.admin import DescribeGroupsResponse_v2

import streams.kafka.groups
from streams.kafka import Broker, Member, divides_otherwise, group_members

NOWHERE = Broker("nowhere:1")
WISH = ConsumerProtocolMemberMetadata(0, ["events", "items"], b"").encode()
GIVEN = ConsumerProtocolMemberAssignment(0, [("events", [0, 1])], b"").encode()


def described(*, code: int = 0, state: str = "Stable", kind: str = "consumer") -> Any:
    member = ("billing-1", "billing", "/10.0.0.7", WISH, GIVEN)
    return DescribeGroupsResponse_v2(0, [(code, "headwater", state, kind, "range", [member])])


async def members(monkeypatch: pytest.MonkeyPatch, reply: Any) -> list[Member]:
    class Admin:
        async def describe_consumer_groups(self, groups: list[str]) -> list[Any]:
            assert groups == ["headwater"]
            if isinstance(reply, Exception):
                raise reply
            return [reply]

    @asynccontextmanager
    async def admin(_: Broker) -> AsyncIterator[Admin]:
        yield Admin()

    monkeypatch.setattr(streams.kafka.groups, "admin_client", admin)
    return await group_members(NOWHERE, "headwater")


async def test_a_member_is_told_with_what_it_reads_and_owns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (found,) = await members(monkeypatch, described())
    assert found == Member(
        "billing", "10.0.0.7", "range", frozenset({"events", "items"}), frozenset({"events"})
    )


async def test_of_a_member_that_is_no_consumer_only_the_name_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (found,) = await members(monkeypatch, described(kind="connect"))
    assert found == Member("billing", "10.0.0.7", "range", frozenset(), frozenset())


@pytest.mark.parametrize(
    "reply",
    [
        described(state="PreparingRebalance"),
        described(code=GroupAuthorizationFailedError.errno),
        GroupAuthorizationFailedError("headwater"),
        KafkaConnectionError("gone"),
    ],
    ids=["members come and go", "may not be asked", "may not be asked at all", "no broker"],
)
async def test_nobody_is_told_where_the_broker_does_not(
    monkeypatch: pytest.MonkeyPatch, reply: Any
) -> None:
    assert await members(monkeypatch, reply) == []


def test_being_turned_away_is_told_from_other_errors() -> None:
    assert divides_otherwise(InconsistentGroupProtocolError())
    assert not divides_otherwise(KafkaConnectionError("gone"))
