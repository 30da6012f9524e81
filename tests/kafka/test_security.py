"""A worker and a command through a real listener with TLS and SCRAM; and what who may not gets."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from benchmarks.apache_kafka import ApacheKafka, Door
from slates.slate import decode_slate
from streams import topics
from streams.errors import BadSetting, BrokerUnreachable
from streams.events import Interaction, encode_event
from streams.kafka import Broker, Security, declare_topics, wait_for_broker
from streams.topics import Topics
from tests.support.processes import Program, WorkerProgram
from tests.support.wire import first, send

pytestmark = pytest.mark.kafka

USER, PASSWORD = "headwater", "a long secret"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ca.pem` for clients, `server.pem` for the broker, `other.pem` of another authority."""
    made = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    key = serialization.load_pem_private_key(server.private_key_pem.bytes(), password=None)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain = b"".join(blob.bytes() for blob in server.cert_chain_pems)
    (made / "server.pem").write_bytes(pem + chain)
    authority.cert_pem.write_to_path(made / "ca.pem")
    trustme.CA().cert_pem.write_to_path(made / "other.pem")
    return made


@pytest.fixture(scope="module")
def kafka(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    door = Door(folder / "server.pem", USER, PASSWORD)
    with ApacheKafka(tmp_path_factory.mktemp("kafka"), door=door) as broker:
        yield broker


def secured(folder: Path, **changes: str) -> Security:
    facts = {"username": USER, "password": PASSWORD, **changes}
    return Security("SASL_SSL", ca_file=folder / facts.pop("ca", "ca.pem"), **facts)


@pytest.fixture
def settings(kafka: ApacheKafka, folder: Path, tmp_path: Path) -> Mapping[str, str]:
    return {
        "HEADWATER_BROKER": kafka.secured,
        "HEADWATER_STATE_DIR": str(tmp_path / "state"),
        "HEADWATER_SECURITY__PROTOCOL": "SASL_SSL",
        "HEADWATER_SECURITY__USERNAME": USER,
        "HEADWATER_SECURITY__PASSWORD": PASSWORD,
        "HEADWATER_SECURITY__CA_FILE": str(folder / "ca.pem"),
    }


@pytest.mark.timeout(120)
async def test_an_event_becomes_a_slate_through_tls_and_scram(
    kafka: ApacheKafka, folder: Path, settings: Mapping[str, str], tmp_path: Path
) -> None:
    broker = Broker(kafka.secured, security=secured(folder))
    await declare_topics(broker, dict(Topics("", 4)), partitions=4, replication=1)
    log = tmp_path / "worker.log"
    with WorkerProgram(settings=settings, log=log, roles="profiling,trending,recommending") as w:
        w.wait_ready()
        event = Interaction(user_id="ann", item_id="dune", action="like", at=1.0)
        await send(broker, topics.EVENTS.name, (b"ann", encode_event(event)))
        answer = await first(broker, topics.RECOMMENDATIONS.name, lambda r: r.value is not None)
    assert decode_slate(answer.value or b"").user_id == "ann"
    assert PASSWORD not in log.read_text()


@pytest.mark.timeout(60)
def test_doctor_looks_through_the_listener_and_shows_no_secret(
    settings: Mapping[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "doctor.log"
    with Program("doctor", settings=settings, log=log) as doctor:
        doctor.process.wait(50)
    text = log.read_text()
    assert settings["HEADWATER_BROKER"] in text
    assert PASSWORD not in text


@pytest.mark.parametrize(
    "changes",
    [{"password": "wrong"}, {"username": "eve"}, {"ca": "other.pem"}],
    ids=["wrong password", "unknown user", "unknown authority"],
)
async def test_who_is_refused_is_told_so_without_the_secret(
    kafka: ApacheKafka, folder: Path, changes: dict[str, str]
) -> None:
    broker = Broker(kafka.secured, security=secured(folder, **changes))
    with pytest.raises(BrokerUnreachable, match="it refuses Security") as raised:
        await wait_for_broker(broker, patience=1.0)
    assert changes.get("password", PASSWORD) not in str(raised.value)


async def test_who_speaks_plain_to_it_is_told_what_to_set(kafka: ApacheKafka) -> None:
    with pytest.raises(BrokerUnreachable, match="HEADWATER_SECURITY__PROTOCOL"):
        await wait_for_broker(Broker(kafka.secured), patience=1.0)


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"CA_FILE: .*nowhere\.pem is no file"):
        Security("SSL", ca_file=tmp_path / "nowhere.pem").options()


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(BadSetting, match=r"ca\.pem"):
        Security("SSL", ca_file=tmp_path / "ca.pem").options()
