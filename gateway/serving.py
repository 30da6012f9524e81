"""
The HTTP server: uvicorn, with patience that ends.

The only module that imports uvicorn.  uvicorn waits for headers as long as a client likes; a few
thousand clients that send a byte now and then would hold all connections.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_HEADER_BYTES = 16_384
"""Request line and headers together; a token has 200 bytes."""
KEEP_ALIVE = 15
"""Seconds an idle connection is kept."""
STOP_WITHIN = 3
"""Seconds for open requests at the end; streams are cut then, their clients connect again."""


class PatientProtocol(H11Protocol):
    """Closes a connection whose request headers do not come in time."""

    headers_within = 10.0
    """Seconds from the connection; after an answer, that and the time an idle one is kept."""
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client connects."""
        super().connection_made(transport)
        self._hurry(self.headers_within)

    def connection_lost(self, exc: Exception | None) -> None:
        """A client leaves."""
        self._take_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes come."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._take_time()

    def on_response_complete(self) -> None:
        """The next request may begin."""
        super().on_response_complete()
        self._hurry(KEEP_ALIVE + self.headers_within)

    def _hurry(self, within: float) -> None:
        self._take_time()
        self._timer = self.loop.call_later(within, self._give_up)

    def _take_time(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self) -> None:
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


def make_server(app: ASGIApp, *, host: str, port: int, headers_within: float) -> uvicorn.Server:
    """A server; `serve` runs it until it is told to stop."""
    protocol = type("Protocol", (PatientProtocol,), {"headers_within": headers_within})
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=protocol,
            ws="none",
            loop="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=STOP_WITHIN,
        )
    )


def port_of(server: uvicorn.Server) -> int:
    """The port that a running server listens on."""
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


async def started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    """Return once it listens; raise what kept it from that."""
    while not server.started:
        if serving.done():
            serving.result()
            raise SystemExit(1)
        await asyncio.sleep(0.02)
