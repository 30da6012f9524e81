"""The processes of docker-compose.yml by hand, with its settings, plain and with TLS and SCRAM."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from agents.commands.processes import free_port
from benchmarks.apache_kafka import ApacheKafka
from tests.support.composed import ROOT, Composed, broker_settings, env_file
from tests.support.gateways import GatewayProgram
from tests.support.processes import Program

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

WAYS: Mapping[str, Mapping[str, str]] = {
    "plain": {},
    "secured": {
        **env_file(ROOT / "compose" / "secured.env"),
        "HEADWATER_SECURITY__PASSWORD": "a long secret",
        "KAFKA_KEYSTORE_PASSWORD": "another secret",
    },
}


class Cluster:
    """Apache Kafka as the service `kafka` has it, after the jobs before and behind it."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.certificates = home / "certificates"
        self.certificates.mkdir()
        self.kafka = ApacheKafka(home / "kafka")
        java = f"{shutil.which('java')} -cp '{self.kafka.jars}/*' kafka.admin.ConfigCommand"
        host, inside = self.kafka.secured, f"127.0.0.1:{free_port(0)}"
        self.composed = Composed(
            environment,
            places={
                "/certificates.sh": str(ROOT / "compose" / "certificates.sh"),
                "/certificates": str(self.certificates),
                "/opt/kafka/bin/kafka-configs.sh": java,
                "://:9092": f"://{host}",
                "localhost:9092": host,
                "://:19092": f"://{inside}",
                "kafka:19092": inside,
                "127.0.0.1:9095": self.kafka.bootstrap,
                "localhost:9095": self.kafka.bootstrap,
                "127.0.0.1:9093": self.kafka.controller,
                "localhost:9093": self.kafka.controller,
            },
        )
        self.kafka.more = broker_settings(self.composed.environment("kafka"))
        self.secured = environment.get("COMPOSE_PROFILES") == "secured"

    def start(self) -> None:
        if self.secured:
            self._run("certificates")
        self.kafka.start(timeout=120)
        if self.secured:
            self._run("users")

    def _run(self, service: str) -> None:
        own = self.composed.environment(service) if service == "users" else {}
        done = subprocess.run(
            self.composed.command(service),
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def settings(self, service: str, state: Path) -> dict[str, str]:
        return {**self.composed.environment(service), "HEADWATER_STATE_DIR": str(state)}


@pytest.fixture(scope="module", params=WAYS)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("composed"), WAYS[request.param])
    made.start()
    yield made
    made.kafka.stop()


def _run(arguments: list[str], settings: Mapping[str, str], log: Path) -> tuple[int, str]:
    with Program(*arguments, settings=settings, log=log) as program:
        code = program.process.wait(120)
    return code, log.read_text()


def test_its_job_declares_the_topics_and_its_gateway_is_ready(
    cluster: Cluster, tmp_path: Path
) -> None:
    command = cluster.composed.command("topics")
    code, said = _run(command, cluster.settings("topics", tmp_path), tmp_path / "topics.log")
    assert code == 0, said
    keys = {"HEADWATER_GATEWAY__KEYS": str(tmp_path / "keys.json")}
    code, said = _run(
        ["gateway-keys", "add", "first", "--scope", "admin"], keys, tmp_path / "keys.log"
    )
    assert code == 0, said
    own = {"HEADWATER_GATEWAY__HOST": "127.0.0.1", **keys}
    settings = {**cluster.settings("gateway", tmp_path), **own}
    with GatewayProgram(settings=settings, log=tmp_path / "gateway.log") as gateway:
        gateway.wait_ready()


def test_nobody_comes_in_without_the_password(cluster: Cluster, tmp_path: Path) -> None:
    if not cluster.secured:
        pytest.skip("a plain broker lets everybody in")
    settings = cluster.settings("topics", tmp_path) | {"HEADWATER_BROKER_PATIENCE": "2"}
    for k, change in enumerate(
        ({"HEADWATER_SECURITY__PASSWORD": "wrong"}, {"HEADWATER_SECURITY__PROTOCOL": "PLAINTEXT"})
    ):
        code, said = _run(["topics", "check"], settings | change, tmp_path / f"{k}.log")
        assert code != 0, said
