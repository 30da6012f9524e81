"""What goes out."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from slates.slate import decode_slate
from streams.profiles import Entry, Profile
from streams.requests import decode_request
from tests.unit.gateway.conftest import NOW, World, record_of, slate_of


def test_the_newest_slate_is_given_as_it_stands(world: World, http: TestClient) -> None:
    world.post(slate_of("ann"))
    answer = http.get("/slates/ann")
    assert answer.status_code == 200
    assert decode_slate(answer.content) == slate_of("ann")


def test_who_has_it_is_not_given_it_again(world: World, http: TestClient) -> None:
    world.post(slate_of("ann"))
    etag = http.get("/slates/ann").headers["etag"]
    assert http.get("/slates/ann", headers={"If-None-Match": etag}).status_code == 304
    world.post(slate_of("ann", revision=2), offset=1)
    assert http.get("/slates/ann", headers={"If-None-Match": etag}).status_code == 200


def test_before_the_first_slate_the_way_to_one_is_said(http: TestClient) -> None:
    answer = http.get("/slates/ann")
    assert answer.status_code == 404
    assert "send an event" in answer.json()["detail"]


def test_an_odd_user_id_is_a_user_id(world: World, http: TestClient) -> None:
    world.post(slate_of("ann käse"))
    assert http.get("/slates/ann%20k%C3%A4se").status_code == 200


@pytest.mark.parametrize("path", ["/slates/a%00b", "/slates/" + "a" * 300, "/slates/%C3%28"])
def test_an_id_that_is_none_is_named(http: TestClient, path: str) -> None:
    assert http.get(path).status_code in (404, 422)


@pytest.mark.parametrize(
    "path",
    ["/page/../app.py", "/page/%2e%2e/app.py", "/page/..%2fapp.py", "/page//etc/passwd", "/page/x"],
)
def test_no_path_leads_out_of_the_page(http: TestClient, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text


def test_the_page_and_its_files_are_there_and_small(http: TestClient) -> None:
    whole = sum(
        len(http.get(path).content)
        for path in ("/", "/page/page.js", "/page/page.css", "/page/icon.svg")
    )
    assert whole < 100_000
    assert "script-src 'self'" in http.get("/").headers["content-security-policy"]


# -- asking


def ask(world: World, http: TestClient, body: Any, *, answer: Any) -> Any:
    """Ask, and let the slate be posted as soon as the request was sent."""
    loop_done = threading.Event()

    def post() -> None:
        while not world.sender.sent:
            time.sleep(0.005)
        if answer is not None:
            portal = http.portal
            assert portal is not None
            portal.call(world.board.apply, [record_of(answer)])
        loop_done.set()

    thread = threading.Thread(target=post)
    thread.start()
    try:
        return http.post("/slates", json=body)
    finally:
        thread.join(5)
        assert loop_done.is_set()


def test_a_slate_is_asked_for_and_waited_for(world: World, http: TestClient) -> None:
    slate = slate_of("ann", trigger="slate-requests-0-0")
    answer = ask(world, http, {"user_id": "ann", "n": 5}, answer=slate)
    assert answer.status_code == 200
    assert (answer.json()["is_answer"], answer.json()["note"]) == (True, "")
    assert answer.json()["slate"]["slate_id"] == slate.slate_id
    ((topic, key, value),) = world.sender.sent
    request = decode_request(key, value, origin="slate-requests-0-0", received_at=NOW)
    assert (topic, request.n, request.trigger.kind if request.trigger else "") == (
        "slate-requests",
        5,
        "request",
    )


def test_what_is_not_answered_in_time_is_marked(world: World, http: TestClient) -> None:
    world.post(slate_of("ann"))
    answer = ask(world, http, {"user_id": "ann", "deadline": 0.05}, answer=None)
    assert answer.status_code == 200
    assert not answer.json()["is_answer"]
    assert "no answer within 0.05 s" in answer.json()["note"]


def test_without_any_slate_that_is_said(world: World, http: TestClient) -> None:
    answer = ask(world, http, {"user_id": "ann", "deadline": 0.05}, answer=None)
    assert answer.status_code == 503
    assert "is a worker running" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user_id": "ann", "trigger": {}}, "trigger"),
        ({"user_id": "ann", "forget": True}, "forget"),
        ({"user_id": "ann", "colour": 1}, "colour"),
        ({}, "user_id"),
        ({"user_id": "ann", "n": 0}, ""),
        ({"user_id": "ann", "scenario": "similar"}, ""),
    ],
)
def test_a_request_that_is_wrong_is_not_sent(
    world: World, http: TestClient, body: Any, field: str
) -> None:
    answer = http.post("/slates", json=body)
    assert (answer.status_code, answer.json().get("field", "")) == (422, field)
    assert world.sender.sent == []


# -- what explains


def known(world: World) -> None:
    world.announce("moby-dick", "Moby-Dick")
    world.announce("dracula", "Dracula <b>")
    profile = Profile(
        history=(
            Entry(NOW - 7200, "moby-dick", "like", 2.0),
            Entry(NOW - 3600, "dracula", "dismiss", -1.0),
        ),
        seen=("moby-dick", "dracula"),
        counters={"like": 1, "dismiss": 1},
    )
    world.know("ann", profile, slate_of("ann"))


def test_a_profile_is_told_in_words(world: World, http: TestClient) -> None:
    known(world)
    found = http.get("/users/ann/profile").json()
    assert found["words"][0] == "2 items seen; 1 × dismiss, 1 × like."
    assert any("Not liked: “Dracula <b>”." in line for line in found["words"])
    assert [entry["item_id"] for entry in found["history"]] == ["dracula", "moby-dick"]


def test_why_and_why_not(world: World, http: TestClient) -> None:
    known(world)
    world.announce("emma", "Emma")
    case = http.get("/users/ann/why?n=5").json()
    assert case["slate"]["slate_id"] == "slate-events-0-1"
    assert case["built"]["items"][0]["item_id"] == "emma"
    assert http.get("/users/ann/why-not/dracula").json()["kind"] == "seen"
    assert http.get("/users/ann/why-not/no%2Fsuch").json()["kind"] == "unknown"


def test_an_unknown_user_is_said(http: TestClient) -> None:
    for path in ("profile", "why", "why-not/emma"):
        assert http.get(f"/users/nobody/{path}").status_code == 404


def test_a_user_is_forgotten_by_an_event(world: World, http: TestClient) -> None:
    assert http.delete("/users/ann").status_code == 202
    ((topic, key, value),) = world.sender.sent
    assert (topic, key, json.loads(value or b"")["kind"]) == ("events", b"ann", "forget")


def test_similar_items_and_search(world: World, http: TestClient) -> None:
    for name in ("a/b", "c", "d"):
        world.announce(name)
    found = http.get("/items/a%2Fb/similar?n=2").json()["items"]
    assert {match["item_id"] for match in found} == {"c", "d"}
    assert http.get("/items/none/similar").status_code == 404
    assert http.get("/search", params={"q": "c"}).json()["items"][0]["item_id"] == "c"
    assert world.encoded == ["c"]


@pytest.mark.parametrize("query", ["q=", "q=%20", "n=5", "q=a&n=0", "q=a&n=101", "q=" + "a" * 1001])
def test_a_search_for_nothing_is_refused(http: TestClient, query: str) -> None:
    answer = http.get(f"/search?{query}")
    assert answer.status_code == 422
    assert answer.json()["field"] in ("q", "n")


# -- operations


def test_it_is_ready_when_its_replicas_are(world: World, http: TestClient) -> None:
    deadline = time.monotonic() + 5
    while http.get("/readyz").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert http.get("/readyz").json() == {"ready": True, "recommendations": True}
    world.board.ready.clear()
    assert http.get("/readyz").status_code == 503
    assert http.get("/healthz").json() == {"status": "up"}


def test_requests_are_counted_by_route(world: World, http: TestClient) -> None:
    http.get("/slates/ann")
    text = http.get("/metrics").text
    assert 'headwater_gateway_requests_total{route="/slates/{user_id}",status="4xx"} 1.0' in text


def test_metrics_come_in_the_format_that_is_asked_for(http: TestClient) -> None:
    asked = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = http.get("/metrics", headers=asked)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_answers_are_small_and_safe(world: World, http: TestClient) -> None:
    world.post(slate_of("ann", title="Moby-Dick " * 400))
    answer = http.get("/slates/ann", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_other_origins_may_not_call_unless_they_are_named() -> None:
    asking = {"Origin": "https://shop.example"}
    with TestClient(World().app) as http:
        assert "access-control-allow-origin" not in http.get("/healthz", headers=asking).headers
    with TestClient(World(origins=("https://shop.example",)).app) as http:
        found = http.get("/healthz", headers=asking).headers["access-control-allow-origin"]
        assert found == "https://shop.example"


def test_the_document_describes_every_route_and_its_examples_run(
    world: World, http: TestClient
) -> None:
    world.post(slate_of("ann"))
    document = http.get("/openapi.json").json()
    ran = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"]
            content = operation.get("requestBody", {}).get("content", {})
            for example in content.get("application/json", {}).get("examples", {}).values():
                body = example["value"]
                if path == "/slates":
                    body = {**body, "deadline": 0.01}
                answer = http.request(method, path, json=body)
                assert answer.status_code in (200, 202), (path, answer.text)
                ran += 1
    assert ran >= 6
