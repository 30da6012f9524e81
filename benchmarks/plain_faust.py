"""The same fold as a plain Faust table agent: `python -m benchmarks.plain_faust BOOTSTRAP`."""

from __future__ import annotations

import sys
import tempfile
import time
from typing import Any

import faust

from agents.consuming import record_of
from agents.settings import Settings
from benchmarks.throughput import PLAIN_EVENTS, PLAIN_GROUP, PLAIN_TABLE, fold_record
from streams.profiles import Profile, decode_profile, encode_profile

REPORT_EVERY = 1_000


def main() -> None:
    """Fold all events; print how many are done and the seconds it took, every now and then."""
    (bootstrap,) = sys.argv[1:]
    app = faust.App(
        PLAIN_GROUP,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=tempfile.mkdtemp(),
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=4,
        web_enabled=False,
    )
    source = app.topic(
        PLAIN_EVENTS,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
    )
    profiles = app.Table(PLAIN_TABLE, partitions=4, key_type=bytes, value_type=bytes)
    gains = Settings().gains()
    began: list[float] = []

    async def agent(stream: Any) -> None:
        count = 0
        async for event in stream.events():
            began[:] = began or [time.perf_counter()]
            message = event.message
            kept = profiles.get(message.key)
            before = Profile() if kept is None else decode_profile(kept)
            after = fold_record(record_of(message), before, gains)
            profiles[message.key] = encode_profile(after)
            count += 1
            if count % REPORT_EVERY == 0:
                sys.stdout.write(f"{count} {time.perf_counter() - began[0]}\n")
                sys.stdout.flush()

    app.agent(source)(agent)
    program = faust.Worker(app, loglevel="CRITICAL", quiet=True, redirect_stdouts=False)
    program.execute_from_commandline()


if __name__ == "__main__":
    main()
