"""
Another Faust application, as somebody else would write it: prints what it is given.

    python -m tests.support.foreign_app BOOTSTRAP GROUP TOPIC FOLDER
"""

from __future__ import annotations

import sys

import faust


def main(bootstrap: str, group: str, topic: str, folder: str) -> None:
    """Read a topic until the end."""
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        broker_client_id="billing",
        broker_session_timeout=6,
        broker_heartbeat_interval=1,
        datadir=folder,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
    )
    source = app.topic(topic, value_type=bytes, value_serializer="raw")

    @app.agent(source)
    async def read(stream: faust.Stream[bytes]) -> None:
        async for _ in stream:
            sys.stdout.write("was given one\n")
            sys.stdout.flush()

    @app.on_partitions_assigned.connect
    async def joined(*_: object, **__: object) -> None:
        sys.stdout.write("joined\n")
        sys.stdout.flush()

    sys.argv[1:] = ["worker", "--loglevel", "WARN"]  # Faust logs what is printed, as warnings
    app.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
