"""A gateway without a broker: what is sent is written down, what is posted comes from the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from agents.catalogue import Catalogue
from agents.lookup import ItemRecords, UserFacts
from agents.metrics import Metrics
from agents.settings import load_settings
from gateway.access import Access
from gateway.app import create_app
from gateway.board import Board
from gateway.limits import Limits
from gateway.parts import Parts
from gateway.searching import Searching
from indexes.embedding import DIM, fingerprint
from indexes.exact import ExactIndex
from slates.slate import Slate, SlateItem, Timings, Versions, encode_slate
from streams.errors import DeliveryFailed
from streams.items import ItemFacts
from streams.kafka import Record
from streams.origins import Origin
from streams.profiles import Profile
from streams.requests import SlateRequest, Trigger
from streams.vectors import VectorRecord

SECRET = "s" * 40
NOW = 1_700_000_000.0


class SmallSender:
    """Writes down what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, bytes | None]] = []
        self.away = False
        self.hold: asyncio.Event | None = None

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, topic: str, *, key: bytes, value: bytes | None) -> Origin:
        if self.hold is not None:
            await self.hold.wait()
        if self.away:
            raise DeliveryFailed("no broker")
        self.sent.append((topic, key, value))
        return Origin(topic, 0, len(self.sent) - 1)


class SmallLog:
    """Knows what the test says it knows."""

    def __init__(self) -> None:
        self.users: dict[str, UserFacts] = {}

    async def user(self, user_id: str) -> UserFacts:
        nobody = UserFacts(user_id, None, SlateRequest(user_id=user_id), None, None, False)
        return self.users.get(user_id, nobody)

    async def item(self, item_id: str) -> ItemRecords:
        return ItemRecords(None, None)

    async def newest(self, *_: Any) -> Record | None:
        return None


class QuietReader:
    """A topic on which nothing comes."""

    restarted = False
    behind = 0
    positions: dict[int, int] = {}  # noqa: RUF012

    async def start(self, _: Any) -> None: ...

    async def read(self, *, wait: float) -> list[Record]:
        await asyncio.sleep(wait)
        return []

    async def stop(self) -> None: ...


def slate_of(
    user_id: str, *, trigger: str = "events-0-1", revision: int = 1, title: str = "Moby-Dick"
) -> Slate:
    return Slate(
        slate_id=f"slate-{trigger}",
        user_id=user_id,
        revision=revision,
        strategy="hybrid",
        scenario="feed",
        trigger=Trigger(trigger, "click", NOW, NOW),
        items=(SlateItem("moby-dick", title, 0, 1.0, {"popular": 1.0}, ()),),
        ranked_by="engine",
        degraded=(),
        versions=Versions(),
        timings=Timings(),
        produced_at=NOW + 0.01,
    )


def record_of(slate: Slate | None, user_id: str = "ann", *, offset: int = 0) -> Record:
    value = None if slate is None else encode_slate(slate)
    key = (user_id if slate is None else slate.user_id).encode()
    return Record("recommendations", 0, offset, key, value, NOW)


class World:
    """A gateway and everything around it."""

    def __init__(self, *, keys: Path | None = None, **settings: Any) -> None:
        self.settings = load_settings(gateway={"keys": keys, **settings})
        self.sender = SmallSender()
        self.log = SmallLog()
        self.metrics = Metrics()
        self.catalogue = Catalogue(ExactIndex(DIM), half_life=86_400.0)
        self.board = Board(QuietReader(), self.metrics)  # type: ignore[arg-type]
        self.encoded: list[str] = []
        self.parts = Parts(
            settings=self.settings,
            access=Access(keys, secret=SECRET),
            limits=Limits(self.settings.gateway),
            board=self.board,
            catalogue=self.catalogue,
            searching=Searching(self.catalogue, lambda: self._encode),
            replicas=(self.board,),
            log=self.log,  # type: ignore[arg-type]
            sender=self.sender,  # type: ignore[arg-type]
            metrics=self.metrics,
            strategies=self.settings.known_strategies(),
        )
        self.app = create_app(self.parts)

    def _encode(self, texts: Any) -> Any:
        self.encoded.extend(texts)
        return np.stack([direction(text) for text in texts])

    def announce(self, item_id: str, title: str = "") -> None:
        row = direction(title or item_id)
        self.catalogue.index.upsert_many([(item_id, row)])
        facts = ItemFacts(title or item_id)
        record = VectorRecord(fingerprint(), b"0" * 16, row, facts, 0, 0, NOW)
        self.catalogue.announce(item_id, record)

    def post(self, slate: Slate | None, *, offset: int = 0) -> None:
        asyncio.run(self.board.apply([record_of(slate, offset=offset)]))

    def know(self, user_id: str, profile: Profile, slate: Slate | None = None) -> None:
        request = SlateRequest(user_id=user_id)
        self.log.users[user_id] = UserFacts(user_id, slate, request, None, profile, False)


def direction(text: str) -> Any:
    seed = int.from_bytes(text.encode()[:8].ljust(8, b"\0"), "big")
    return np.random.default_rng(seed).standard_normal(DIM).astype(np.float16)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def http(world: World) -> Iterator[TestClient]:
    with TestClient(world.app) as client:
        yield client
