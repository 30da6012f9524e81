"""The embedded broker keeps what it promises, and says where it ends."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from streams.embedded import PARTITION_BYTES, EmbeddedBroker, address_file, find_address, serve
from streams.errors import BrokerUnreachable, SetupError, TopicMismatch

BATCH = 100_000
PRODUCE = 0
NOT_LEADER = 6


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


@asynccontextmanager
async def producing(broker: EmbeddedBroker) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, max_request_size=20_000_000
    ) as producer:
        yield producer


@asynccontextmanager
async def reading(broker: EmbeddedBroker, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    async with AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap,
        auto_offset_reset="none",
        max_partition_fetch_bytes=20_000_000,
        fetch_max_wait_ms=50,
    ) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        yield consumer


async def bounds(broker: EmbeddedBroker, topic: str) -> tuple[int, int]:
    """Start and end offset of partition 0."""
    partition = TopicPartition(topic, 0)
    async with reading(broker, topic) as consumer:
        start = await consumer.beginning_offsets([partition])
        end = await consumer.end_offsets([partition])
        return start[partition], end[partition]


async def send(broker: EmbeddedBroker, topic: str, *values: bytes) -> None:
    """Send each value as a batch of its own."""
    async with producing(broker) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


def eventually(fact: Callable[[], bool], seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while not fact() and time.monotonic() < until:
        time.sleep(0.02)
    return fact()


# -- the broker ------------------------------------------------------------------------


async def test_what_is_sent_is_read(broker: EmbeddedBroker) -> None:
    broker.declare("clicks", 1)
    await send(broker, "clicks", b"first", b"second")
    async with reading(broker, "clicks") as consumer:
        consumer.seek(TopicPartition("clicks", 0), 0)
        got = [(await consumer.getone()).value for _ in range(2)]
    assert got == [b"first", b"second"]


async def test_a_topic_has_the_partitions_it_was_declared_with(broker: EmbeddedBroker) -> None:
    broker.declare("clicks", 7)
    async with producing(broker) as producer:
        assert await producer.partitions_for("clicks") == set(range(7))


async def test_a_topic_nobody_declared_springs_up_with_four_partitions(
    broker: EmbeddedBroker,
) -> None:
    async with producing(broker) as producer:
        assert len(await producer.partitions_for("typo")) == 4


@pytest.mark.parametrize("partitions", [1, 2])
def test_a_topic_is_declared_once(broker: EmbeddedBroker, partitions: int) -> None:
    broker.declare("clicks", 1)
    with pytest.raises(TopicMismatch, match="'clicks' exists already"):
        broker.declare("clicks", partitions)


def test_a_topic_without_partitions_is_refused(broker: EmbeddedBroker) -> None:
    with pytest.raises(TopicMismatch, match="'clicks': 0 partitions"):
        broker.declare("clicks", 0)


def test_it_listens_on_loopback_only(broker: EmbeddedBroker) -> None:
    listening = [
        connection.laddr.ip
        for connection in psutil.Process().net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert broker.bootstrap.startswith("127.0.0.1:")
    assert set(listening) == {"127.0.0.1"}


def test_closing_twice_is_harmless_and_using_it_after_is_an_error() -> None:
    broker = EmbeddedBroker()
    broker.close()
    broker.close()
    with pytest.raises(SetupError, match="closed"):
        broker.declare("clicks", 1)


# -- what it holds ---------------------------------------------------------------------


async def test_the_oldest_batches_are_dropped_past_the_limit_and_the_start_offset_tells(
    broker: EmbeddedBroker,
) -> None:
    broker.declare("clicks", 1)
    held = PARTITION_BYTES // (BATCH + 100)  # less than 100 bytes of header a batch
    await send(broker, "clicks", *[bytes(BATCH)] * held)
    assert await bounds(broker, "clicks") == (0, held)
    await send(broker, "clicks", *[bytes(BATCH)] * 5)
    assert await bounds(broker, "clicks") == (5, held + 5)


async def test_reading_a_dropped_offset_is_an_error(broker: EmbeddedBroker) -> None:
    broker.declare("clicks", 1)
    await send(broker, "clicks", *[bytes(1_000_000)] * 7)
    async with reading(broker, "clicks") as consumer:
        consumer.seek(TopicPartition("clicks", 0), 0)
        with pytest.raises(OffsetOutOfRangeError):
            await consumer.getone()


async def test_a_lone_batch_may_exceed_the_limit(broker: EmbeddedBroker) -> None:
    broker.declare("clicks", 1)
    await send(broker, "clicks", bytes(10_000_000))
    async with reading(broker, "clicks") as consumer:
        consumer.seek(TopicPartition("clicks", 0), 0)
        assert len((await consumer.getone()).value) == 10_000_000


async def test_two_batches_that_do_not_fit_together_are_both_lost(broker: EmbeddedBroker) -> None:
    broker.declare("clicks", 1)
    await send(broker, "clicks", *[bytes(PARTITION_BYTES // 2)] * 2)
    assert await bounds(broker, "clicks") == (2, 2)


# -- faults ----------------------------------------------------------------------------


async def test_a_pushed_error_is_answered_once(broker: EmbeddedBroker) -> None:
    broker.declare("clicks", 1)
    async with producing(broker) as producer:
        broker.push_errors(PRODUCE, NOT_LEADER)
        began = time.monotonic()
        await producer.send_and_wait("clicks", b"retried")
    assert time.monotonic() - began > 0.05  # aiokafka waits 0.1 s before it retries
    assert await bounds(broker, "clicks") == (0, 1)


async def test_latency_delays_the_answer(broker: EmbeddedBroker) -> None:
    broker.declare("clicks", 1)
    async with producing(broker) as producer:
        await producer.send_and_wait("clicks", b"at once")
        broker.set_rtt(200)
        began = time.monotonic()
        await producer.send_and_wait("clicks", b"late")
    assert time.monotonic() - began >= 0.2


async def test_a_broker_that_was_down_comes_back_on_its_port_with_its_events(
    broker: EmbeddedBroker,
) -> None:
    host, port = broker.bootstrap.split(":")
    broker.declare("clicks", 1)
    await send(broker, "clicks", b"kept")
    broker.set_down()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, port)
    broker.set_up()
    assert await bounds(broker, "clicks") == (0, 1)


# -- the program -----------------------------------------------------------------------

SERVE = """
import sys
from pathlib import Path
from streams.embedded import serve
parent = int(sys.argv[2]) if len(sys.argv) > 2 else None
serve(Path(sys.argv[1]), {"clicks": 3}, parent_pid=parent)
"""

PARENT = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2], str(os.getpid())])
time.sleep(60)
"""


@contextmanager
def program(code: str, *args: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, *args]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, umask=0o022, cwd=Path(__file__).parents[3]
    )
    with process:
        yield process
        process.kill()


def announced(state_dir: Path) -> Callable[[], bool]:
    return address_file(state_dir).exists


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_address_file_is_there_while_the_program_runs(
    tmp_path: Path, number: signal.Signals
) -> None:
    state_dir = tmp_path / "var" / "state"
    with program(SERVE, str(state_dir)) as process:
        assert eventually(announced(state_dir))
        address = find_address(state_dir)
        async with AIOKafkaProducer(bootstrap_servers=address) as producer:
            assert await producer.partitions_for("clicks") == {0, 1, 2}
        assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700
        process.send_signal(number)
        output, _ = process.communicate(timeout=5)
    assert process.returncode == 0
    assert output == f"embedded broker on {address}, 1 topics\n"
    assert list(state_dir.iterdir()) == []


def test_a_second_program_is_refused(tmp_path: Path) -> None:
    with program(SERVE, str(tmp_path)):
        assert eventually(announced(tmp_path))
        with pytest.raises(SetupError, match="already runs"):
            serve(tmp_path, {})


def test_an_orphaned_broker_exits(tmp_path: Path) -> None:
    with program(PARENT, SERVE, str(tmp_path)) as parent:
        assert eventually(announced(tmp_path))
        orphan = psutil.Process(json.loads(address_file(tmp_path).read_text())["pid"])
        parent.kill()
        assert eventually(
            lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
        )
    assert not announced(tmp_path)()


def test_without_an_address_file_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnreachable, match="start `headwater broker`, or set HEADWATER_BR"):
        find_address(tmp_path)


DAMAGED = [
    "",
    "{}",
    "[]",
    '{"bootstrap": "nonsense", "pid": %d}',
    '{"bootstrap": ":99999", "pid": %d}',
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_address_file_counts_as_none(tmp_path: Path, text: str) -> None:
    address_file(tmp_path).write_text(text.replace("%d", str(os.getpid())))
    with pytest.raises(BrokerUnreachable):
        find_address(tmp_path)


def test_the_address_of_a_dead_process_is_not_believed(tmp_path: Path) -> None:
    with program("pass") as process:
        process.wait()
    with socket.create_server(("127.0.0.1", 0)) as stranger:  # the port was taken since
        write_address(tmp_path, f"127.0.0.1:{stranger.getsockname()[1]}", process.pid)
        with pytest.raises(BrokerUnreachable):
            find_address(tmp_path)


def test_a_closed_port_is_not_believed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        write_address(tmp_path, address, os.getpid())
        assert find_address(tmp_path) == address
    with pytest.raises(BrokerUnreachable, match="refused"):
        find_address(tmp_path)


def write_address(state_dir: Path, bootstrap: str, pid: int) -> None:
    address_file(state_dir).write_text(json.dumps({"bootstrap": bootstrap, "pid": pid}))


def test_a_folder_that_cannot_be_written_to_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SetupError, match=r"file/state/broker\.json: .* set HEADWATER_STATE_DIR"):
        serve(tmp_path / "file" / "state", {})
