"""What comes in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from streams.events import Interaction, decode_event
from streams.items import decode_item
from tests.unit.gateway.conftest import NOW, World

CLICK = {"kind": "interaction", "user_id": "ann", "item_id": "moby-dick", "action": "click"}


def test_an_event_is_sent_under_its_user(world: World, http: TestClient) -> None:
    answer = http.post("/events", json=CLICK)
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1, "ids": ["events-0-0"]}
    ((topic, key, value),) = world.sender.sent
    assert (topic, key) == ("events", b"ann")
    found = decode_event(key, value, gains=world.settings.gains(), received_at=NOW, max_ahead=1e9)
    assert found == Interaction(user_id="ann", item_id="moby-dick", action="click", at=found.at)


def test_the_time_of_receipt_stands_in_for_a_missing_one(world: World, http: TestClient) -> None:
    http.post("/events", json=CLICK)
    value = json.loads(world.sender.sent[0][2] or b"")
    assert abs(value["at"] - world.parts.clock()) < 60


def test_many_are_sent_in_order(world: World, http: TestClient) -> None:
    many = [{**CLICK, "item_id": f"item-{k}"} for k in range(50)]
    assert http.post("/events", json=many).json()["accepted"] == 50
    sent = [json.loads(value or b"")["item_id"] for _, _, value in world.sender.sent]
    assert sent == [f"item-{k}" for k in range(50)]


WRONG: list[tuple[Any, int, str, str]] = [
    ({**CLICK, "action": "wink"}, 422, "", "action 'wink' has no gain"),
    ({**CLICK, "colour": 1}, 422, "colour", "not known"),
    ({**CLICK, "kind": "sneeze"}, 422, "kind", "'sneeze', expected interaction or impression"),
    ({"kind": "forget", "user_id": "ann"}, 422, "kind", "DELETE /users"),
    ({**CLICK, "user_id": 7}, 422, "user_id", "expected a text"),
    ({**CLICK, "user_id": ""}, 422, "", "1 to 256 printable"),
    ({**CLICK, "item_id": "a\x00b"}, 422, "", "printable"),
    ({**CLICK, "at": 9e15}, 422, "", "is it in milliseconds?"),
    ({**CLICK, "action": "rating", "value": 11}, 422, "", "rating 11"),
    ([CLICK, {**CLICK, "colour": 1}], 422, "[1].colour", "not known"),
    ([CLICK, 5], 400, "", "array of objects"),
    ([CLICK] * 1001, 422, "", "at most 1000"),
    ("text", 400, "", ""),
]


@pytest.mark.parametrize(("body", "status", "field", "says"), WRONG, ids=lambda x: str(x)[:30])
def test_what_is_wrong_is_named_and_nothing_is_sent(
    world: World, http: TestClient, body: Any, status: int, field: str, says: str
) -> None:
    answer = http.post("/events", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.get("field", "") == field
    assert says in problem.get("detail", "")
    assert world.sender.sent == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"{}{}", b"null", b"NaN"])
def test_what_is_no_json_is_refused(world: World, http: TestClient, body: bytes) -> None:
    assert http.post("/events", content=body).status_code == 400
    assert world.sender.sent == []


def test_a_broker_that_is_away_is_said_with_the_remedy(world: World, http: TestClient) -> None:
    world.sender.away = True
    answer = http.post("/events", json=CLICK)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "Idempotency-Key" in answer.json()["detail"]


def test_the_same_key_sends_once(world: World, http: TestClient) -> None:
    header = {"Idempotency-Key": "k1"}
    first = http.post("/events", json=CLICK, headers=header)
    again = http.post("/events", json=CLICK, headers=header)
    assert first.json() == again.json()
    assert len(world.sender.sent) == 1


def test_a_failure_is_not_remembered(world: World, http: TestClient) -> None:
    header = {"Idempotency-Key": "k1"}
    world.sender.away = True
    assert http.post("/events", json=CLICK, headers=header).status_code == 503
    world.sender.away = False
    assert http.post("/events", json=CLICK, headers=header).status_code == 202


def test_a_key_with_another_body_is_refused(world: World, http: TestClient) -> None:
    header = {"Idempotency-Key": "k1"}
    http.post("/events", json=CLICK, headers=header)
    answer = http.post("/events", json={**CLICK, "item_id": "other"}, headers=header)
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


def test_two_requests_without_a_key_are_two(world: World, http: TestClient) -> None:
    http.post("/events", json=CLICK)
    http.post("/events", json=CLICK)
    assert len(world.sender.sent) == 2


def test_an_item_is_announced_and_taken_out(world: World, http: TestClient) -> None:
    item = {"item_id": "a/b c", "title": "A", "description": "Sea.", "attributes": {"year": 1900}}
    assert http.post("/items", json=item).status_code == 202
    assert http.delete("/items/a%2Fb%20c").status_code == 202
    (_, key, value), (_, gone, nothing) = world.sender.sent
    assert decode_item(key, value)[1] is not None
    assert (key, gone, nothing) == (b"a/b c", b"a/b c", None)


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"item_id": "a"}, "title"),
        ({"title": "A"}, "expected a text as 'item_id'"),
        ({"item_id": "a", "title": "A", "colour": "red"}, "not known"),
        ({"item_id": "a", "title": "A", "attributes": {"x": {"y": 1}}}, "a"),
    ],
)
def test_what_is_no_item_is_named(
    world: World, http: TestClient, item: dict[str, Any], says: str
) -> None:
    answer = http.post("/items", json=item)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert world.sender.sent == []


def test_a_body_that_is_too_large_is_not_read() -> None:
    world = World(max_body=2048)
    with TestClient(world.app) as http:
        answer = http.post("/events", content=b"[" + b" " * 5000 + b"]")
        assert (answer.status_code, answer.json()["status"]) == (413, 413)
        parts = (b" " * 1000 for _ in range(5))  # without a length
        assert http.post("/events", content=parts).status_code == 413
    assert world.sender.sent == []


def test_callers_are_slowed_down() -> None:
    world = World(per_second=1)  # twelve of them take no ten seconds, however slow the machine
    with TestClient(world.app) as http:
        answers = [http.get("/slates/ann") for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)


def test_a_repeat_of_items_sends_once_too(world: World, http: TestClient) -> None:
    item = {"item_id": "a", "title": "A"}
    for _ in range(2):
        assert http.post("/items", json=item, headers={"Idempotency-Key": "k"}).status_code == 202
    assert len(world.sender.sent) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/items", {"item_id": "a", "title": "A"}),
        ("DELETE", "/items/a", None),
        ("DELETE", "/users/ann", None),
        ("POST", "/slates", {"user_id": "ann"}),
    ],
)
def test_without_a_broker_every_route_that_sends_says_so(
    world: World, http: TestClient, method: str, path: str, body: Any
) -> None:
    world.sender.away = True
    answer = http.request(method, path, json=body)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
