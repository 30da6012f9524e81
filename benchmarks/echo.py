"""A bare Faust agent that sends on what it gets: what the framework costs without us."""

from __future__ import annotations

import sys
from typing import Any

import faust


def main(bootstrap: str, source: str, target: str) -> None:
    """Run until told to stop."""
    app = faust.App(
        "bench-echo",
        broker=f"kafka://{bootstrap}",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        store="memory://",
        producer_linger=0,
    )
    raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw"}
    incoming = app.topic(source, value_serializer="raw", **raw)
    outgoing = app.topic(target, value_serializer="raw", **raw)

    async def echo(stream: Any) -> None:
        async for event in stream.events():
            place = event.message
            name = f"{place.topic}-{place.partition}-{place.offset}".encode()
            await outgoing.send(key=event.key, value=name)

    app.agent(incoming)(echo)
    faust.Worker(app, loglevel="ERROR", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main(*sys.argv[1:])
