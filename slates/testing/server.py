"""A model server that follows a script, over real HTTP; the only importer of `aiohttp`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection
from types import TracebackType
from typing import Self

from aiohttp import web

from slates.testing.script import Asked, Reply, Script, failing

LARGEST_REQUEST = 16 * 1024**2
"""Bytes; no prompt comes near."""
FAREWELL = 0.1
"""Seconds that a reply may still take when the server is closed."""


class ModelServer:
    """
    The chat completions of the API that most servers speak, on a free port of loopback.

    Args:
        script: What is done with requests; a sensible answer to each where left out.
        key: The only key that it takes; None takes any.
        models: The only models that it has; None has any.
        forms: The output forms that it takes, of `schema`, `json` and `text`.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        key: str | None = None,
        models: Collection[str] | None = None,
        forms: Collection[str] = ("schema", "json", "text"),
        port: int = 0,
    ) -> None:
        self.script = script or Script()
        """May be replaced at any time."""
        self.requests: list[Asked] = []
        """All that came, in order, refused ones too."""
        self.most_at_once = 0
        """How many were being answered at the same time, at most."""
        self._key = key
        self._models = models
        self._forms = forms
        self._port = port
        self._busy = 0
        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(
            app, handler_cancellation=True, shutdown_timeout=FAREWELL, access_log=None
        )

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """Where its API begins."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def _list(self, _: web.Request) -> web.Response:
        models = [{"id": name, "object": "model"} for name in self._models or ()]
        return web.json_response({"object": "list", "data": models})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        asked = Asked(await request.json(), key)
        self.requests.append(asked)
        self._busy += 1
        self.most_at_once = max(self.most_at_once, self._busy)
        try:
            return await _send(request, self._refusal(asked) or self.script(asked))
        finally:
            self._busy -= 1

    def _refusal(self, asked: Asked) -> Reply | None:
        """In the words of the servers that do so."""
        if self._key is not None and asked.key != self._key:
            text = f"Incorrect API key provided: {asked.key}"
            return failing(401, code="invalid_api_key", message=text)(asked)
        if self._models is not None and asked.model not in self._models:
            text = f"The model `{asked.model}` does not exist."
            return failing(404, code="model_not_found", message=text)(asked)
        if asked.form not in self._forms:
            text = "response_format: this type is not supported"
            return failing(400, message=text)(asked)
        return None


async def _send(request: web.Request, reply: Reply) -> web.StreamResponse:
    if math.isinf(reply.wait):
        await asyncio.Event().wait()
    await asyncio.sleep(reply.wait)
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    if reply.cut is not None:
        await response.write(reply.body[: reply.cut])
        _break_off(request)
    elif reply.drip:
        for byte in reply.body:
            await asyncio.sleep(reply.drip)
            await response.write(bytes([byte]))
    else:
        await response.write(reply.body)
    return response


def _break_off(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
