"""
A Kafka broker without a Kafka installation: the mock cluster inside librdkafka.

The wheel of confluent-kafka carries librdkafka, and librdkafka carries a small broker that
speaks the real protocol.  It listens on 127.0.0.1 only (seen with ``ss -ltn``) and keeps everything
in memory: when its process ends, every event is gone.  It is for a first try and for tests.

What it is not (measured with librdkafka 2.16): nothing is compacted, topics cannot be created
through an admin client, a waiting fetch is not woken by a new message, and a topic nobody
declared springs up with 4 partitions.  `PARTITION_BYTES` says how little it holds.
"""

import ctypes
import functools
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from streams.errors import BrokerUnreachable, SetupError, TopicMismatch

PARTITION_BYTES = 5 * 1024 * 1024
"""
Bytes a partition holds; the oldest batches are dropped when one more would not fit.

Counted are whole record batches as the producer sent them: compressed, with about 70 bytes
for each batch and its first record.  Measured: 5,168 of 12,000 events of 1,000 bytes survive,
75,983 of 110,000 one-byte events sent one by one, and all 40 MB of a repeated letter under
gzip.  The start offset moves with the drop and reading below it is OffsetOutOfRange.

Keep a batch below half of this.  Two neighbours that do not fit together are **both** lost,
acknowledged and all: the mock moves the start offset past the new one as well.  A lone 10 MB
batch is accepted and readable until the next one arrives.  aiokafka's default
`max_request_size` of 1 MiB stays clear of it.
"""

_NODE, _PRODUCER, _TOPIC_ALREADY_EXISTS = 1, 0, 36
_QUIET = b"3"  # syslog's "error"; else librdkafka remarks that it was given no broker to call
_PARENT_POLL_SECONDS = 0.25
_CONNECT_SECONDS = 2.0

_pointer, _text, _int, _size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
_SIGNATURES: Mapping[str, tuple[Any, ...]] = {  # name: result, arguments…
    "conf_new": (_pointer,),
    "conf_set": (_int, _pointer, _text, _text, _text, _size),
    "new": (_pointer, _int, _pointer, _text, _size),
    "destroy": (None, _pointer),
    "mock_cluster_new": (_pointer, _pointer, _int),
    "mock_cluster_destroy": (None, _pointer),
    "mock_cluster_bootstraps": (_text, _pointer),
    "mock_topic_create": (_int, _pointer, _text, _int, _int),
    "mock_group_initial_rebalance_delay_ms": (None, _pointer, ctypes.c_int32),
    "mock_broker_set_rtt": (_int, _pointer, ctypes.c_int32, _int),
    "mock_broker_set_down": (_int, _pointer, ctypes.c_int32),
    "mock_broker_set_up": (_int, _pointer, ctypes.c_int32),
    "mock_push_request_errors_array": (None, _pointer, ctypes.c_int16, _size, _pointer),
}


@functools.cache
def _functions() -> Mapping[str, Any]:
    """
    Bind the functions of `_SIGNATURES` in the librdkafka that confluent-kafka loaded.

    A lookup in the wheel's extension module also searches what it links to, so the place of
    the bundled library (``confluent_kafka.libs`` on Linux, ``.dylibs`` on macOS) is its affair.

    Raises:
        SetupError: confluent-kafka is not installed, or its librdkafka cannot be reached.
    """
    try:
        from confluent_kafka import cimpl

        library = ctypes.CDLL(cimpl.__file__)
        bound = {name: getattr(library, f"rd_kafka_{name}") for name in _SIGNATURES}
    except (ImportError, OSError, AttributeError) as exc:
        raise SetupError(
            f"no embedded broker: {exc}; reinstall confluent-kafka 2.6 or newer, "
            "or set HEADWATER_BROKER to host:port of an Apache Kafka"
        ) from exc
    for name, (result, *arguments) in _SIGNATURES.items():
        bound[name].restype, bound[name].argtypes = result, arguments
    return bound


class EmbeddedBroker:
    """
    One broker node on a free loopback port, from construction until `close`.

    The faults are for tests; each takes effect at once, for every client.
    """

    bootstrap: str
    """Where it listens, as ``127.0.0.1:port``; the port stays the same after `set_down`."""

    def __init__(self) -> None:
        self._call = _functions()
        message = ctypes.create_string_buffer(512)
        conf = self._call["conf_new"]()
        self._call["conf_set"](conf, b"log_level", _QUIET, message, len(message))
        self._client = self._call["new"](_PRODUCER, conf, message, len(message))
        self._cluster = self._client and self._call["mock_cluster_new"](self._client, 1)
        if not self._cluster:
            raise SetupError(f"no embedded broker: {message.value.decode() or 'cannot listen'}")
        # The default of 3,000 ms would make every first member of a group wait.
        self._call["mock_group_initial_rebalance_delay_ms"](self._cluster, 0)
        self.bootstrap = self._call["mock_cluster_bootstraps"](self._cluster).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def declare(self, name: str, partitions: int) -> None:
        """
        Create a topic.

        Raises:
            TopicMismatch: It exists already, or has no partition (the mock would not mind).
        """
        if partitions < 1:
            raise TopicMismatch(f"{name!r}: {partitions} partitions, expected 1 or more")
        code = self._call["mock_topic_create"](self._handle, name.encode(), partitions, 1)
        if code == _TOPIC_ALREADY_EXISTS:
            raise TopicMismatch(f"{name!r} exists already, expected to declare it once")
        if code:
            raise SetupError(f"{name!r} was not created: Kafka error {code}")

    def set_rtt(self, ms: int) -> None:
        """Delay every answer by `ms` milliseconds; 0 ends it."""
        self._call["mock_broker_set_rtt"](self._handle, _NODE, ms)

    def set_down(self) -> None:
        """Break every connection and refuse new ones; the events stay."""
        self._call["mock_broker_set_down"](self._handle, _NODE)

    def set_up(self) -> None:
        """Accept connections again after `set_down`."""
        self._call["mock_broker_set_up"](self._handle, _NODE)

    def push_errors(self, api_key: int, *codes: int) -> None:
        """Answer the next requests of the kind `api_key` with these Kafka errors, one each."""
        array = (ctypes.c_int * len(codes))(*codes)
        self._call["mock_push_request_errors_array"](self._handle, api_key, len(codes), array)

    def close(self) -> None:
        """Stop listening and forget every event; a second call does nothing."""
        if self._cluster is not None:
            self._call["mock_cluster_destroy"](self._cluster)
            self._call["destroy"](self._client)
            self._cluster = None

    @property
    def _handle(self) -> int:
        """The C cluster; a pointer to a freed one would crash the interpreter."""
        if self._cluster is None:
            raise SetupError("the embedded broker is closed")
        return int(self._cluster)


def serve(state_dir: Path, topics: Mapping[str, int], *, parent_pid: int | None = None) -> None:
    """
    Run a broker until SIGTERM, SIGINT or the death of the parent; call it on the main thread.

    The parent is watched by polling and not by Linux's PR_SET_PDEATHSIG, which fires when the
    *thread* that started us ends, even if its process lives on.

    Args:
        state_dir: Where `find_address` looks; created for this user only.
        topics: Partitions by topic name.
        parent_pid: End within 0.25 s of no longer being a child of this process.

    Raises:
        SetupError: A broker is already announced in `state_dir`, or nothing can be written there.
    """
    _refuse_a_second(state_dir)
    file = address_file(state_dir)
    with _stop_signals() as stop, EmbeddedBroker() as broker:
        for name, partitions in topics.items():
            broker.declare(name, partitions)
        _announce(file, broker.bootstrap)
        try:
            sys.stdout.write(f"embedded broker on {broker.bootstrap}, {len(topics)} topics\n")
            sys.stdout.flush()
            while parent_pid in (None, os.getppid()) and not stop.wait(_PARENT_POLL_SECONDS):
                pass
        finally:
            file.unlink(missing_ok=True)


def address_file(state_dir: Path) -> Path:
    """Where a running broker is announced: JSON with ``bootstrap`` and ``pid``."""
    return state_dir / "broker.json"


def find_address(state_dir: Path) -> str:
    """
    Return ``host:port`` of the broker announced in `state_dir`, once it has answered.

    Raises:
        BrokerUnreachable: None is announced, its process is gone, or its port is closed.
    """
    file = address_file(state_dir)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        bootstrap, pid = str(found["bootstrap"]), int(found["pid"])
        os.kill(pid, 0)
        host, port = bootstrap.rsplit(":", 1)
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as exc:
        raise BrokerUnreachable(
            f"no embedded broker: {exc}; start `headwater broker`, "
            f"or set HEADWATER_BROKER to host:port (looked in {file})"
        ) from exc
    return bootstrap


def _refuse_a_second(state_dir: Path) -> None:
    """Whoever talks to the first would never meet whoever talks to the second."""
    with suppress(BrokerUnreachable):
        address = find_address(state_dir)
        raise SetupError(f"a broker already runs on {address}, announced in {state_dir}")


def _announce(file: Path, bootstrap: str) -> None:
    """
    Write the address beside and rename, so that nobody reads half of it.

    Raises:
        SetupError: The folder cannot be made or written to.
    """
    beside = file.with_suffix(f".{os.getpid()}")
    says = json.dumps({"bootstrap": bootstrap, "pid": os.getpid()})
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.write_text(says, encoding="utf-8")
        beside.replace(file)
    except OSError as exc:
        raise SetupError(
            f"{file}: cannot be written: {exc.strerror}; set HEADWATER_STATE_DIR to a folder of "
            "your own"
        ) from exc


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set; the old handlers return afterwards."""
    stop = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
