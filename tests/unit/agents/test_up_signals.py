"""Ctrl-C asks `headwater up` for an end; the second one does not wait for it."""

import asyncio
import os
import signal

import pytest

from agents.commands.up import _end_on_signals


async def test_the_first_signal_asks_and_the_second_does_not_wait() -> None:
    stop = asyncio.Event()

    async def work() -> None:
        _end_on_signals(stop)
        os.kill(os.getpid(), signal.SIGINT)
        await stop.wait()
        await asyncio.sleep(0.01)  # what is under way is answered
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(10)

    try:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(work())
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().remove_signal_handler(number)
    assert stop.is_set()
