"""
A real Apache Kafka on loopback, one node in one JVM, for tests and benchmarks.

It needs a JDK and Maven, nothing installed: the server's jars (44 MB) are fetched once and
kept outside the checkout.  However the process that started it ends, no JVM is left.

    python -m benchmarks.apache_kafka fetch     # the jars, to be ready for later
    python -m benchmarks.apache_kafka run       # an empty broker until Ctrl-C
"""

import argparse
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from streams.errors import BrokerUnreachable, SetupError

VERSION = "4.3.1"  # of tests and published figures; 3.9 to 4.4 were seen to work
_HOST = "127.0.0.1"
_CLUSTER_ID = "HeadwaterBenchmarks00A"  # any 16 bytes in base64, not starting with a dash
_POM = str(Path(__file__).with_name("kafka-jars.xml"))

_JVM = (
    "-Xmx512m",  # 200–300 MB are in use with a few topics
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # compile soon rather than well: it is ready earlier
    "-XX:-UsePerfData",  # or it leaves a file outside `home`
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)

_SETTINGS = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{node.bootstrap},CONTROLLER://{node.controller}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{node.controller}
log.dirs={node.data}
# The default is three replicas and 50 partitions.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
# As in production: topics are declared, a typo does not make one.
auto.create.topics.enable=false
# The default of 3,000 makes the first member of every group wait.
group.initial.rebalance.delay.ms=0
# A crashed node is let in when its old session ends: after 11 s by the default of 9,000.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
# The default of 128 MiB is allocated at once and does not fit the small heap.
log.cleaner.dedupe.buffer.size=16777216
"""


_SECURED = """\
listeners=PLAINTEXT://{node.bootstrap},CONTROLLER://{node.controller},SASL_SSL://{node.secured}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location={door.certificate}
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


@dataclass(frozen=True, slots=True)
class Door:
    """A second listener, with TLS and a password."""

    certificate: Path
    """PEM file with the server's key in PKCS#8, its certificate and the chain."""
    username: str
    password: str


class ToolMissing(SetupError):
    """Java or Maven is not installed."""


class ApacheKafka:
    """One node, on ports that stay its own while the object lives; its data stay until `wipe`."""

    def __init__(
        self, home: Path, *, jars: Path | None = None, door: Door | None = None, more: str = ""
    ) -> None:
        """
        Choose ports; nothing is fetched or started yet.

        `home` gets settings, log and data; `jars` the server, once for all homes: by default
        it is ``HEADWATER_KAFKA_JARS`` or a folder in the user's cache.  A `door` opens a second
        listener at `secured`.  Lines of `more` are settings that replace ours.
        """
        self.home = home.absolute()
        self.jars = (jars or _jars_folder()).absolute()
        self.data, self._log = self.home / "data", self.home / "broker.log"
        self._settings = self.home / "server.properties"
        self._jar = self.jars / f"kafka_2.13-{VERSION}.jar"  # the server itself
        self.bootstrap, self.controller, self.secured = (
            f"{_HOST}:{port}" for port in _free_ports(3)
        )
        self._door = door
        self.more = more
        self._jvm: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The JVM's process id while it lives, paused or not."""
        return self._jvm.pid if self._jvm and self._jvm.poll() is None else None

    def fetch(self) -> None:
        """
        Fetch the jars, unless they are there.

        An interrupted fetch leaves nothing that looks complete; of two at once either may win.

        Raises:
            SetupError: Maven is missing or failed, or `jars` holds something else.
        """
        if self._jar.exists():
            return
        self.jars.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.jars.parent, prefix=".fetch-") as beside:
            arrived = Path(beside) / "jars"
            options = (f"-Dkafka.version={VERSION}", f"-DoutputDirectory={arrived}")
            _run([_tool("mvn"), "-q", "-B", "-f", _POM, "dependency:copy-dependencies", *options])
            with suppress(OSError):
                arrived.rename(self.jars)
        if not self._jar.exists():
            raise SetupError(f"{self.jars} is in the way: it holds no Kafka {VERSION}")

    def start(self, *, timeout: float = 60.0) -> None:
        """
        Start, with the data of before if there are any, and wait until clients are served.

        Raises:
            SetupError: Java, Maven or the jars are not to be had.
            BrokerUnreachable: Not ready in `timeout` seconds; carries the end of the log.
        """
        if self.pid is not None:
            return
        self.kill()
        self.fetch()
        self.home.mkdir(parents=True, exist_ok=True)
        settings = _SETTINGS.format(node=self)
        if self._door is not None:
            settings += _SECURED.format(node=self, door=self._door)
        self._settings.write_text(settings + self.more)
        if not (self.data / "meta.properties").exists():
            self._format()
        with self._log.open("ab") as log:
            command = self._java("kafka.Kafka")
            self._jvm = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._guard = _guard(self._jvm.pid)
        self._wait_ready(time.monotonic() + timeout)

    def stop(self, *, timeout: float = 20.0) -> None:
        """Shut down in order; what has not ended in `timeout` seconds is killed."""
        if self._jvm is not None:
            self.resume()
            self._jvm.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._jvm.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """Crash it (SIGKILL); `start` brings it back with its data on the same port."""
        if self._jvm is not None:
            self._jvm.kill()
            self._jvm.wait()
        if self._guard is not None:
            with self._guard as guard:
                guard.kill()
        self._jvm = self._guard = None

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open, nothing is answered."""
        if self._jvm is not None:
            self._jvm.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        if self._jvm is not None:
            self._jvm.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Stop it and delete its data: the next `start` is that of an empty broker."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def _format(self) -> None:
        users: tuple[str, ...] = ()
        if self._door is not None:
            user = f"name={self._door.username},password={self._door.password}"
            users = ("--add-scram", f"SCRAM-SHA-512=[{user}]")
        _run([*self._java("kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c"), *users])

    def _java(self, program: str, *args: str) -> list[str]:
        return [_tool("java"), *_JVM, "-cp", f"{self.jars}/*", program, *args, str(self._settings)]

    def _wait_ready(self, until: float) -> None:
        while self.pid is not None and time.monotonic() < until:
            with suppress(OSError):
                if _live_brokers(self.bootstrap):
                    return
            time.sleep(0.05)
        self.kill()
        log = self._log.read_text(errors="replace")
        raise BrokerUnreachable(f"Apache Kafka did not become ready; its log ends:\n{log[-3000:]}")


def _jars_folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("HEADWATER_KAFKA_JARS") or cache / f"headwater/kafka-{VERSION}")


def _tool(name: str) -> str:
    if (path := shutil.which(name)) is None:
        raise ToolMissing(f"needs a JDK 17+ and Maven: no `{name}` on the PATH")
    return path


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"{command[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def _guard(pid: int) -> subprocess.Popen[bytes]:
    """Start a shell that kills `pid` at the end of its input, which comes however we end."""
    # PR_SET_PDEATHSIG is Linux's alone, and fires when the *thread* that called `start` ends.
    script = ["sh", "-c", 'read -r _; kill -KILL "$0"', str(pid)]
    return subprocess.Popen(script, stdin=subprocess.PIPE, start_new_session=True)


def _free_ports(count: int) -> list[int]:
    """Find free ports outside the system's range for clients, who might take a dead broker's."""
    free: list[int] = []
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError), socket.socket() as probe:
            probe.bind((_HOST, port))
            free.append(port)
    return free[:count]


def _live_brokers(bootstrap: str) -> int:
    """Ask for metadata and count the brokers: 0 until the node is let in; else OSError."""
    # Length, then header (api 3 = Metadata, version 1, correlation 1, no client id), no topics.
    request = struct.pack(">ihhihi", 14, 3, 1, 1, -1, 0)
    host, port = bootstrap.split(":")
    with socket.create_connection((host, int(port)), 2.0) as connection:
        connection.sendall(request)
        head = connection.recv(12, socket.MSG_WAITALL)  # length, correlation, brokers…
    return int.from_bytes(head[8:], "big")


def main() -> None:
    """Run the command line described above."""
    parser = argparse.ArgumentParser(description="Apache Kafka on loopback, for tests.")
    parser.add_argument("command", choices=("fetch", "run"))
    command = parser.parse_args().command
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="kafka-") as home:
        kafka = ApacheKafka(Path(home))
        kafka.fetch()
        print(f"jars in {kafka.jars}", flush=True)
        if command == "run":
            with kafka:
                print(kafka.bootstrap, flush=True)
                signal.pause()


if __name__ == "__main__":
    main()
