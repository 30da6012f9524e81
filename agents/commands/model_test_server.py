"""A model server that answers sensibly, in a thread of its own, while a block lasts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from agents.settings import Settings
from streams.errors import SetupError

NAME = "test-server"
"""Of its only model; stands on second revisions."""
THINKS = 0.8
"""Seconds for each answer: long enough to see revision 1 first, as with a small hosted model."""


@contextmanager
def model_test_server(settings: Settings) -> Iterator[Mapping[str, str]]:
    """
    Run it on a free port of loopback.

    Yields:
        What a worker's environment needs to ask it; `rerank` where no refinement is set.

    Raises:
        SetupError: Another model is set up already.
    """
    if settings.model.base_url:
        raise SetupError(
            f"HEADWATER_MODEL__BASE_URL is {settings.model.base_url}: leave --model-test-server "
            "away to ask that one, or unset it"
        )
    with _serving() as base_url:
        refinement = settings.slates.refinement
        yield {
            "HEADWATER_MODEL__BASE_URL": base_url,
            "HEADWATER_MODEL__SMALL": NAME,
            "HEADWATER_SLATES__REFINEMENT": "rerank" if refinement == "none" else refinement,
        }


@contextmanager
def _serving() -> Iterator[str]:
    from slates.testing.script import Script, after, answering, say  # brings aiohttp along
    from slates.testing.server import ModelServer

    ready, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
    server = ModelServer(Script(then=after(THINKS, say(answering))), models=(NAME,))

    async def serve() -> None:
        async with server:
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield server.base_url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
