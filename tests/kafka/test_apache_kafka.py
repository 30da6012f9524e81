"""The Apache Kafka of the tests is a broker one can crash, freeze and lose."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks import apache_kafka
from benchmarks.apache_kafka import ApacheKafka, ToolMissing
from streams.errors import BrokerUnreachable, SetupError

pytestmark = pytest.mark.kafka


async def declare(kafka: ApacheKafka) -> str:
    name = f"test-{uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    answer = await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    await admin.close()
    assert [error for _, error, *_ in answer.topic_errors] == [0]
    return name


async def send(kafka: ApacheKafka, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def read(kafka: ApacheKafka, topic: str) -> bytes:
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        return (await consumer.getone()).value


def eventually(fact: Callable[[], bool], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not fact() and time.monotonic() < until:
        time.sleep(0.05)
    return fact()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_a_produced_record_comes_back(kafka: ApacheKafka) -> None:
    topic = await declare(kafka)
    await send(kafka, topic, b"clicked")
    assert await read(kafka, topic) == b"clicked"


def test_it_listens_on_loopback_only(kafka: ApacheKafka) -> None:
    listening = {
        connection.laddr.ip.removeprefix("::ffff:")
        for connection in psutil.Process(kafka.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


async def test_it_survives_a_crash_with_its_data_on_the_same_port(kafka: ApacheKafka) -> None:
    topic, before = await declare(kafka), (kafka.bootstrap, kafka.pid)
    await send(kafka, topic, b"kept")
    kafka.kill()
    assert kafka.pid is None
    kafka.start()
    assert kafka.bootstrap == before[0]
    assert kafka.pid != before[1]
    assert await read(kafka, topic) == b"kept"


async def test_a_paused_broker_does_not_answer_until_it_is_resumed(kafka: ApacheKafka) -> None:
    topic = await declare(kafka)
    kafka.pause()
    try:
        with pytest.raises(TimeoutError):
            apache_kafka._live_brokers(kafka.bootstrap)
    finally:
        kafka.resume()
    await send(kafka, topic, b"after")
    assert await read(kafka, topic) == b"after"


def test_starting_a_running_broker_changes_nothing(kafka: ApacheKafka) -> None:
    before = kafka.pid
    kafka.start()
    assert kafka.pid == before


KILLED = """
import os, signal, sys
from pathlib import Path
from benchmarks.apache_kafka import ApacheKafka
kafka = ApacheKafka(Path(sys.argv[1]))
kafka.start()
print(kafka.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_jvm_is_left_by_a_killed_test_run(kafka: ApacheKafka, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    root = Path(__file__).parents[2]
    killed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=root)
    assert eventually(lambda: gone(int(killed.stdout)))


async def test_a_wiped_broker_has_forgotten_its_topics(kafka: ApacheKafka) -> None:
    topic = await declare(kafka)
    kafka.wipe()
    kafka.start()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    assert topic not in await admin.list_topics()
    await admin.close()


# -- what can be missing; no broker is needed ------------------------------------------


def test_a_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"JDK 17\+ and Maven: no `mvn`"):
        ApacheKafka(tmp_path / "home", jars=tmp_path / "jars").start()


def fake_tool(folder: Path, name: str, script: str) -> None:
    """Put a program `name` in front of the real one."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


HALF = 'for a; do case $a in -DoutputDirectory=*) d=${a#*=};; esac; done; mkdir "$d"; >"$d/half"'


def test_an_interrupted_fetch_leaves_nothing(tmp_path: Path, tools: Path) -> None:
    fake_tool(tools, "mvn", f"{HALF}; echo cut off; exit 1")
    with pytest.raises(SetupError, match="cut off"):
        ApacheKafka(tmp_path / "home", jars=tmp_path / "cache" / "jars").fetch()
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_folder_of_something_else_is_not_overwritten(tmp_path: Path, tools: Path) -> None:
    fake_tool(tools, "mvn", HALF)
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(SetupError, match="in the way"):
        ApacheKafka(tmp_path / "home", jars=tmp_path).fetch()
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_broker_that_does_not_start_shows_its_log(tmp_path: Path, tools: Path) -> None:
    fake_tool(tools, "java", 'case "$*" in *StorageTool*) ;; *) echo no memory; exit 1;; esac')
    jars = tmp_path / "jars"
    jars.mkdir()
    (jars / f"kafka_2.13-{apache_kafka.VERSION}.jar").touch()
    with pytest.raises(BrokerUnreachable, match="no memory"):
        ApacheKafka(tmp_path / "home", jars=jars).start()
