"""The OpenAPI document holds: whatever is sent to the gateway, it answers as described."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from schemathesis.checks import CHECKS, load_all_checks

from gateway.serving import make_server, port_of
from tests.support.laws import law
from tests.unit.gateway.conftest import World, slate_of

load_all_checks()
BEYOND_SCHEMAS = [CHECKS.get_one("positive_data_acceptance")]
"""An id of unprintable characters, a time in milliseconds: no JSON schema can say what is wrong."""
document = schemathesis.openapi.from_dict(World().app.openapi())
OPERATIONS = {
    found.ok().label: found.ok()
    for found in document.exclude(path_regex="/stream$").get_all_operations()  # it does not end
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    world = World(per_second=100_000)
    world.post(slate_of("ann"))
    world.announce("moby-dick", "Moby-Dick")
    server = make_server(world.app, host="127.0.0.1", port=0, headers_within=5.0)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port_of(server)}"
    finally:
        server.should_exit = True
        thread.join(10)


def test_every_route_is_described() -> None:
    assert len(OPERATIONS) >= 15


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_as_described(url: str, label: str) -> None:
    @law(25, suppress_health_check=list(HealthCheck))
    @given(case=OPERATIONS[label].as_strategy())
    def holds(case: Any) -> None:
        if case.path == "/slates" and isinstance(case.body, dict):
            case.body |= {
                "user_id": "ann",
                "deadline": 0.001,
            }  # nobody answers: the newest is given
        case.call_and_validate(base_url=url, excluded_checks=BEYOND_SCHEMAS)

    holds()
