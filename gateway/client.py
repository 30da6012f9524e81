"""
The gateway from Python: typed, small, blocking.

>>> from gateway.client import Gateway
>>> with Gateway("http://127.0.0.1:8080") as gateway:  # doctest: +SKIP
...     gateway.send(Interaction(user_id="ann", item_id="moby-dick", action="click"))
...     print(gateway.slate("ann").items[0].title)
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import httpx
import msgspec

from slates.slate import Slate, decode_slate
from streams.errors import HeadwaterError
from streams.events import Impression, Interaction
from streams.items import Item
from streams.requests import SlateRequest, encode_request

TIMEOUT = 10.0
"""Seconds for an answer; a stream may be silent for longer, its pings are not."""
SILENCE = 60.0
"""Seconds without a ping after which a stream is taken for dead."""


class GatewayError(HeadwaterError):
    """The gateway did not do what was asked."""

    def __init__(self, status: int, title: str, detail: str, field: str) -> None:
        super().__init__(": ".join(part for part in (title, field, detail) if part))
        self.status = status
        self.field = field
        """Where in the request; empty where it is no field's fault."""


class Asked(msgspec.Struct, frozen=True):
    """What came of asking for a slate."""

    slate: Slate
    is_answer: bool
    """False: no answer came in time, this is the newest there was."""
    note: str


class Arrived(NamedTuple):
    """A slate out of a stream."""

    id: str
    """To go on after it."""
    slate: Slate | None
    """None: the user was forgotten."""


class Gateway:
    """A connection to a gateway."""

    def __init__(self, url: str, *, key: str | None = None, timeout: float = TIMEOUT) -> None:
        """Begin; `key` is an API key or a token, where the gateway asks for one."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        """Use it for a block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def send(self, *events: Interaction | Impression, key: str | None = None) -> Sequence[str]:
        """
        Send events; back once the broker has them.

        Args:
            events: What happened.
            key: Idempotency key; the same one again sends nothing twice.

        Returns:
            Where each stands in the log.
        """
        return self._post("/events", msgspec.json.encode(events), key)

    def announce(self, *items: Item, key: str | None = None) -> Sequence[str]:
        """Announce items; back once the broker has them."""
        return self._post("/items", msgspec.json.encode(items), key)

    def remove(self, item_id: str) -> None:
        """Take an item out of the catalogue."""
        self._call("DELETE", f"/items/{_part(item_id)}")

    def slate(self, user_id: str) -> Slate:
        """A user's newest slate; GatewayError with status 404 before the first."""
        return decode_slate(self._call("GET", f"/slates/{_part(user_id)}").content)

    def ask(self, request: SlateRequest) -> Asked:
        """Ask for a slate and wait for it."""
        answer = self._call("POST", "/slates", content=encode_request(request))
        return msgspec.json.decode(answer.content, type=Asked)

    def stream(self, user_id: str, *, after: str = "") -> Iterator[Arrived]:
        """
        Slates as they come, until the connection ends.

        Args:
            user_id: Whose.
            after: The id of the last one that is known.
        """
        headers = {"Last-Event-ID": after} if after else {}
        timeout = httpx.Timeout(TIMEOUT, read=SILENCE)
        url = f"/slates/{_part(user_id)}/stream"
        with self._http.stream("GET", url, headers=headers, timeout=timeout) as answer:
            if answer.is_error:
                answer.read()
            _raise(answer)
            yield from _events(answer.iter_lines())

    def profile(self, user_id: str) -> dict[str, Any]:
        """What is known of a user."""
        return self._object(f"/users/{_part(user_id)}/profile")

    def why(self, user_id: str) -> dict[str, Any]:
        """Why the newest slate is as it is."""
        return self._object(f"/users/{_part(user_id)}/why")

    def why_not(self, user_id: str, item_id: str) -> dict[str, Any]:
        """Why an item is on the newest slate, or is not."""
        return self._object(f"/users/{_part(user_id)}/why-not/{_part(item_id)}")

    def forget(self, user_id: str) -> None:
        """Forget a user."""
        self._call("DELETE", f"/users/{_part(user_id)}")

    def similar(self, item_id: str, *, n: int = 10) -> Sequence[dict[str, Any]]:
        """The items nearest to one."""
        found: Sequence[dict[str, Any]] = self._object(f"/items/{_part(item_id)}/similar?n={n}")[
            "items"
        ]
        return found

    def search(self, text: str, *, n: int = 10) -> Sequence[dict[str, Any]]:
        """The items nearest to some words."""
        found: Sequence[dict[str, Any]] = self._object(f"/search?q={_part(text)}&n={n}")["items"]
        return found

    def token(self, user_id: str, *, seconds: float = 600.0) -> str:
        """A token for a user's browser; needs a key with the scope `admin`."""
        body = msgspec.json.encode({"user_id": user_id, "seconds": seconds})
        return str(self._call("POST", "/tokens", content=body).json()["token"])

    def _post(self, path: str, body: bytes, key: str | None) -> Sequence[str]:
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        ids: Sequence[str] = self._call("POST", path, content=body, headers=headers).json()["ids"]
        return ids

    def _object(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self._call("GET", path).json()
        return found

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = self._http.request(method, path, **options)
        _raise(answer)
        return answer


def _part(text: str) -> str:
    return quote(text, safe="")


def _raise(answer: httpx.Response) -> None:
    if not answer.is_error:
        return
    try:
        said = answer.json()
    except ValueError:
        said = {}
    title = said.get("title", answer.reason_phrase)
    raise GatewayError(answer.status_code, title, said.get("detail", ""), said.get("field", ""))


def _events(lines: Iterator[str]) -> Iterator[Arrived]:
    event: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            event[name] = value.removeprefix(" ")
            continue
        if event.get("event") == "slate":
            yield Arrived(event.get("id", ""), decode_slate(event["data"].encode()))
        elif event.get("event") == "forgotten":
            yield Arrived(event.get("id", ""), None)
        event = {}
