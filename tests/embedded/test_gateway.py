"""HTTP in, slates out: a real gateway and a real worker on the embedded broker."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.client import Arrived, Gateway, GatewayError
from streams.embedded import EmbeddedBroker
from streams.events import Impression, Interaction
from streams.items import Item
from streams.requests import SlateRequest
from streams.topics import Topics
from tests.support.gateways import GatewayProgram
from tests.support.processes import WorkerProgram, wait_until

BOOKS = [
    Item(item_id="g-sea/1", title="The Whale", description="Sailors hunt a whale."),
    Item(item_id="g-sea/2", title="The Storm", description="A ship is wrecked in a storm."),
    Item(item_id="g-law", title="The Court", description="A clerk is accused in court."),
]


@pytest.fixture(scope="module")
def program(
    settings: Mapping[str, str],
    worker: WorkerProgram,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GatewayProgram]:
    log: Path = tmp_path_factory.mktemp("gateway") / "gateway.log"
    patient = {**settings, "HEADWATER_GATEWAY__READ_WITHIN": "1"}
    with GatewayProgram(settings=patient, log=log) as gateway:
        yield gateway.wait_ready()


@pytest.fixture(scope="module")
def gateway(program: GatewayProgram, worker: WorkerProgram) -> Iterator[Gateway]:
    with Gateway(program.url) as client:
        client.announce(*BOOKS)
        worker.wait_until(lambda: _is_findable(client, "g-law"), what="findable books")
        program.wait_until(lambda: _searches(client), what="an encoder")
        yield client


def _is_findable(gateway: Gateway, item_id: str) -> bool:
    try:
        return bool(gateway.similar(item_id))
    except GatewayError:
        return False


def _searches(gateway: Gateway) -> bool:
    try:
        return bool(gateway.search("sea"))
    except GatewayError:
        return False


def _click(user_id: str, item_id: str = "g-sea/1") -> Interaction:
    return Interaction(user_id=user_id, item_id=item_id, action="click")


def test_a_click_becomes_a_slate(gateway: Gateway) -> None:
    (trigger,) = gateway.send(_click("g-ann"))
    wait_until(lambda: _trigger(gateway, "g-ann") == trigger, what="the slate")
    assert "g-sea/1" not in [item.item_id for item in gateway.slate("g-ann").items]


def _trigger(gateway: Gateway, user_id: str) -> str:
    try:
        return gateway.slate(user_id).trigger.id
    except GatewayError as error:
        return "" if error.status == 404 else str(error)


def test_a_slate_is_asked_for_and_answered(gateway: Gateway) -> None:
    asked = gateway.ask(SlateRequest(user_id="g-bob", n=2, deadline=10.0))
    assert (asked.is_answer, asked.slate.trigger.kind, len(asked.slate.items)) == (
        True,
        "request",
        2,
    )


def test_slates_arrive_on_a_stream_that_goes_on_where_it_ended(gateway: Gateway) -> None:
    gateway.ask(SlateRequest(user_id="g-eve", n=3, deadline=10.0))
    stream = gateway.stream("g-eve")
    first = next(stream)
    sender = threading.Timer(0.3, lambda: gateway.send(_click("g-eve")))
    sender.start()
    second = next(stream)
    stream.close()
    sender.join()
    assert first.slate is not None
    assert second.slate is not None
    assert (first.slate.trigger.kind, second.slate.trigger.kind) == ("request", "click")
    assert _arrives(gateway, "g-eve", after=first.id).id == second.id


def _arrives(gateway: Gateway, user_id: str, *, after: str) -> Arrived:
    stream = gateway.stream(user_id, after=after)
    try:
        return next(stream)
    finally:
        stream.close()


def test_it_tells_what_it_knows_and_why(gateway: Gateway) -> None:
    (trigger,) = gateway.send(_click("g-kim"))
    wait_until(lambda: _trigger(gateway, "g-kim") == trigger, what="the slate")
    wait_until(lambda: _has_profile(gateway, "g-kim"), what="a profile on its topic")
    words = " ".join(gateway.profile("g-kim")["words"])
    assert "click on “The Whale”" in words
    why = gateway.why("g-kim")
    assert why["slate"]["trigger"]["id"] == trigger
    assert why["event"]["item_id"] == "g-sea/1"
    assert gateway.why_not("g-kim", "g-sea/1")["kind"] == "seen"


def _has_profile(gateway: Gateway, user_id: str) -> bool:
    return bool(gateway.profile(user_id)["history"])


def test_words_find_items(gateway: Gateway) -> None:
    found = gateway.search("a judge and a lawyer", n=3)
    assert found[0]["item_id"] == "g-law"


def test_a_user_is_forgotten(gateway: Gateway) -> None:
    (trigger,) = gateway.send(_click("g-leo"))
    wait_until(lambda: _trigger(gateway, "g-leo") == trigger, what="the slate")
    gateway.forget("g-leo")
    wait_until(lambda: _trigger(gateway, "g-leo") == "", what="no slate any more")


def test_an_item_that_is_taken_out_is_found_no_more(gateway: Gateway) -> None:
    gateway.announce(Item(item_id="g-gone", title="Gone", description="Soon."))
    wait_until(lambda: _is_findable(gateway, "g-gone"), what="the item")
    gateway.remove("g-gone")
    wait_until(lambda: not _is_findable(gateway, "g-gone"), what="no item any more")


def test_impressions_are_taken(gateway: Gateway) -> None:
    shown = Impression(user_id="g-ann", slate_id="slate-events-0-0", item_ids=("g-law",))
    assert len(gateway.send(shown)) == 1


def test_what_is_wrong_is_an_error_with_its_place(gateway: Gateway) -> None:
    with pytest.raises(GatewayError, match="no gain") as caught:
        gateway.send(_click("g-ann"), Interaction(user_id="a", item_id="b", action="wink"))
    assert (caught.value.status, caught.value.field) == (422, "[1]")


# -- those who mean no good, or are just slow


def _raw(program: GatewayProgram, data: bytes, *, wait: float = 5.0) -> bytes:
    with closing(socket.create_connection(("127.0.0.1", program.port), timeout=wait)) as line:
        line.sendall(data)
        got = b""
        try:
            while part := line.recv(65_536):
                got += part
                if b"\r\n\r\n" in got:
                    break
        except TimeoutError:
            pass
        return got


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Flood: y\r\n" * 5_000 + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n{}",
    ],
    ids=["header flood", "long path", "TLS hello", "negative length"],
)
def test_what_is_no_decent_request_is_refused_and_the_rest_served(
    program: GatewayProgram, data: bytes
) -> None:
    got = _raw(program, data)
    assert got == b"" or got.startswith(b"HTTP/1.1 4")
    assert httpx.get(f"{program.url}/healthz").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/page/../app.py",
        "/page/../../pyproject.toml",
        "/page/..%2f..%2fapp.py",
        "/page/%2e%2e/%2e%2e/app.py",
        "/page/page.js/../../app.py",
        "//etc/passwd",
        "/page/page.js%00.css",
        "http://elsewhere.example/page/../app.py",
    ],
)
def test_no_path_leads_out_of_the_page_however_it_is_written(
    program: GatewayProgram, path: str
) -> None:
    """By hand, because clients tidy paths up before they send them."""
    got = _raw(program, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert got.startswith(b"HTTP/1.1 4")
    assert b"import" not in got
    assert b"root:" not in got


def test_who_sends_headers_byte_by_byte_is_cut_off(program: GatewayProgram) -> None:
    with closing(socket.create_connection(("127.0.0.1", program.port))) as line:
        line.settimeout(0.5)
        began = time.monotonic()
        line.sendall(b"GET /healthz HTTP/1.1\r\n")
        closed = False
        while not closed and time.monotonic() - began < 40:
            try:
                line.sendall(b"X: y\r\n")
                closed = line.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
        assert closed
    assert time.monotonic() - began < 10


def test_who_never_ends_a_body_is_told_so(program: GatewayProgram) -> None:
    head = b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    assert _raw(program, head, wait=10).startswith(b"HTTP/1.1 408")


def test_who_leaves_a_stream_is_noticed(program: GatewayProgram, gateway: Gateway) -> None:
    def streams() -> float:
        text = httpx.get(f"{program.url}/metrics").text
        (line,) = [x for x in text.splitlines() if x.startswith("headwater_gateway_streams ")]
        return float(line.split()[1])

    gateway.ask(SlateRequest(user_id="g-gone-user", deadline=10.0))
    before = streams()
    lines = []
    for _ in range(5):
        line = socket.create_connection(("127.0.0.1", program.port))
        line.sendall(b"GET /slates/g-gone-user/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        lines.append(line)
    wait_until(lambda: streams() == before + 5, what="open streams")
    for line in lines:
        line.close()
    wait_until(lambda: streams() == before, what="closed streams")


def test_markup_stays_text(gateway: Gateway) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    gateway.announce(Item(item_id="g-evil", title=hostile, description="Whales."))
    wait_until(lambda: _is_findable(gateway, "g-evil"), what="the item")
    found = gateway.search(hostile, n=1)[0]
    assert found["title"] == hostile  # as JSON, with its own media type, never as a page
    gateway.remove("g-evil")


# -- the broker goes away


def test_events_are_refused_while_the_broker_is_away(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:
        for name, partitions in Topics(prefix="", partitions=4).partition_counts().items():
            broker.declare(name, partitions)
        settings = {
            "HEADWATER_BROKER": broker.bootstrap,
            "HEADWATER_STATE_DIR": str(tmp_path),
            "HEADWATER_GATEWAY__SEND_WITHIN": "1",
        }
        with GatewayProgram(settings=settings, log=tmp_path / "log") as program:
            program.wait_ready()
            assert _post(program).status_code == 202
            broker.set_down()
            answer = _post(program)
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            broker.set_up()
            wait_until(lambda: _post(program).status_code == 202, what="events again")


def _post(program: GatewayProgram) -> httpx.Response:
    event = {"kind": "interaction", "user_id": "ann", "item_id": "a", "action": "click"}
    return httpx.post(f"{program.url}/events", content=json.dumps(event), timeout=20)
