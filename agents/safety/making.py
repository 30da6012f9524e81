"""A Faust app with every mend in its place."""

from __future__ import annotations

from typing import Any

import faust
from yarl import URL

from agents.safety.assigning import SafeAssignor
from agents.safety.consumer import SafeTransport
from agents.safety.recovery import Restore, SafeTableManager
from agents.settings import Settings
from streams.kafka import Broker, Security

METADATA_MAX_AGE = 10
"""
Seconds after which the broker is asked again which partitions there are.

By default it is five minutes: a worker that asks just while a topic is deleted and made anew gives
back its partitions, and would not have them again for so long.
"""
MAX_POLL = 500
"""
Records delivered between two looks at the queues.

Faust stops fetching a topic when four fifths of its queue of 4,096 are full, but delivers what was
fetched: more than the last fifth in one go would wait for room, and all other topics with it.
"""


def make_app(
    settings: Settings, broker: Broker, *, group: str, restore: Restore, **transport: Any
) -> Any:
    """
    Make the app; it connects when it is started.

    Args:
        settings: Of the worker.
        broker: Where.
        group: The consumer group.
        restore: Fills state before the first event of an assignment.
        **transport: What a `SafeTransport` needs of the worker.
    """
    session = settings.session_timeout.total_seconds()
    state = settings.state_dir / "faust"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    hosts = [f"kafka://{host}" for host in broker.bootstrap.split(",")]
    app = faust.App(
        group,
        broker=";".join(hosts),
        broker_client_id=broker.client_id,
        broker_credentials=_credentials(broker.security),
        store="memory://",
        datadir=str(state),
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        table_standby_replicas=0,
        web_enabled=False,
        broker_session_timeout=session,
        broker_heartbeat_interval=session / 5,
        broker_commit_interval=settings.commit_interval.total_seconds(),
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=METADATA_MAX_AGE * 1000,
        broker_max_poll_records=MAX_POLL,
        stream_wait_empty=False,
        TableManager=SafeTableManager,
        PartitionAssignor=SafeAssignor,
    )
    app.tables.restore = restore
    app.transport = SafeTransport(
        [URL(host) for host in hosts], app, fetch_wait=broker.fetch_wait, loop=None, **transport
    )
    return app


def _credentials(security: Security) -> faust.SSLCredentials | faust.SASLCredentials | None:
    """The same as Faust has it."""
    context = security.context if security.encrypted else None
    if security.authenticated:
        return faust.SASLCredentials(
            mechanism=security.mechanism,
            username=security.username,
            password=security.password,
            ssl_context=context,
        )
    return faust.SSLCredentials(context=context) if security.encrypted else None
