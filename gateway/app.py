"""The gateway's composition root: from its parts to an ASGI app."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from mode import Service
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agents.looplag import LoopLag
from agents.metrics import Metrics
from agents.settings import Settings
from gateway import explaining, finding, page, reading, signing, watching, writing
from gateway.access import Access
from gateway.limits import SizeLimit
from gateway.parts import Parts
from gateway.problems import handle_problems
from gateway.schemas import describe

GZIP_FROM = 1_024
"""Bytes; smaller answers are sent as they are."""
GZIP_LEVEL = 3
"""Fast: a slate is compressed anew for every caller; the level was not measured."""

log = logging.getLogger("headwater")


def make_access(settings: Settings) -> Access:
    """
    Who may do what, out of the settings.

    Raises:
        BadSetting: The keys cannot be read.
    """
    part = settings.gateway
    secret = part.token_secret.get_secret_value()
    if not secret:
        secret = secrets.token_urlsafe(48)
        if part.keys is not None:
            log.warning(
                "gateway: no HEADWATER_GATEWAY__TOKEN_SECRET: tokens end with this process, "
                "and other gateways do not know them"
            )
    return Access(part.keys, secret=secret)


def create_app(parts: Parts) -> FastAPI:
    """The app; its replicas run while it does."""
    app = described()
    app.state.parts = parts
    _add_middleware(app, parts)
    return app


def described() -> FastAPI:
    """The routes and the document of them, with nothing yet to answer from."""
    app = FastAPI(
        title="Headwater",
        version=version("headwater"),
        description="Clicks in, ranked and explained slates out.",
        lifespan=_lifespan,
        redoc_url=None,
        docs_url=None,
        openapi_url="/openapi.json",
    )
    for router in (
        writing.router,
        reading.router,
        explaining.router,
        finding.router,
        signing.router,
        watching.router,
        page.router,
    ):
        app.include_router(router)
    handle_problems(app)
    describe(app)
    return app


def _add_middleware(app: FastAPI, parts: Parts) -> None:
    """The last added is the first to see a request."""
    settings = parts.settings.gateway
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM, compresslevel=GZIP_LEVEL)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
        )
    app.add_middleware(
        SizeLimit, most=settings.max_body, within=settings.read_within.total_seconds()
    )
    app.add_middleware(Counted, metrics=parts.metrics)


class Counted:
    """ASGI middleware: how many requests, how long they took, by route and status."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def counting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] += _SAFE
            await send(message)

        try:
            await self._app(scope, receive, counting)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.gateway_requests.labels(route, f"{status // 100}xx").inc()
            if not route.endswith("/stream"):
                self._metrics.gateway_seconds.labels(route).observe(time.perf_counter() - began)


_SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    services: list[Service] = [*parts.replicas, LoopLag(parts.metrics)]
    await parts.sender.start()
    try:
        for service in services:
            await service.start()
        yield
    finally:
        for service in reversed(services):
            await service.stop()
        await parts.sender.stop()
