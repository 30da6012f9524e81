"""The OpenAPI document holds: whatever is sent to the gateway, it answers as described."""

from __future__ import annotations

import asyncio

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from tests.unit.gateway.conftest import World, slate_of

world = World(per_second=100_000)
asyncio.run(world.board.apply([]))
world.post(slate_of("ann"))
schema = schemathesis.openapi.from_asgi("/openapi.json", world.app)


@schema.parametrize()
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: schemathesis.Case) -> None:
    case.call_and_validate(excluded_checks=[CHECKS.get_one("unsupported_method")])
