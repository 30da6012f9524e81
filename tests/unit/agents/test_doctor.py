"""The doctor says what is wrong and what to do; what is well it says in a line."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.commands.checking import check_broker, check_installation, check_machine
from agents.diagnosis import (
    LEAST_DISK,
    Finding,
    judge_encoder,
    judge_index,
    judge_lag,
    judge_packages,
    judge_python,
    judge_settings,
    judge_skew,
    judge_state,
    judge_topics,
)
from agents.probing import ProbeFailed, probe
from agents.settings import Settings
from streams.kafka import Position

ENCODED = {
    "precision": "bf16",
    "dim": 384,
    "shortest": 0.998,
    "longest": 1.002,
    "load_seconds": 2.0,
    "ms_per_text": 4.5,
}
FOLDER = Path("/var/headwater")


def levels(findings: Iterator[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def test_an_old_python_is_a_failure() -> None:
    assert judge_python((3, 10), "3.10").level == "failure"
    assert judge_python((3, 12), "3.12").level == "ok"


def test_another_version_of_an_exact_package_is_a_failure_with_the_command_that_mends_it() -> None:
    (finding,) = judge_packages({"faust-streaming": "0.16"}, {"faust-streaming": "0.15.3"})
    assert (finding.level, finding.advice) == ("failure", "pip install faust-streaming==0.15.3")


def test_this_installation_is_well() -> None:
    assert set(levels(check_installation())) == {"ok"}


@pytest.mark.parametrize("name", ["sasl_password", "api_key", "llm.token"])
def test_no_secret_is_shown(name: str) -> None:
    assert "hunter2" not in judge_settings({name: "hunter2"}).text


def test_the_encoder_must_give_unit_vectors_of_the_right_size() -> None:
    assert judge_encoder(ENCODED, dim=384).level == "ok"
    assert judge_encoder({**ENCODED, "longest": 1.2}, dim=384).level == "failure"
    assert judge_encoder({**ENCODED, "shortest": float("nan")}, dim=384).level == "failure"
    assert judge_encoder(ENCODED, dim=768).level == "failure"


def test_an_index_that_loses_an_item_is_a_failure() -> None:
    assert judge_index({"items": 200, "found": 200}).level == "ok"
    assert judge_index({"items": 200, "found": 199}).level == "failure"


def test_a_folder_others_may_read_is_a_warning() -> None:
    found = judge_state(FOLDER, mode=0o755, writable=True, free=2 * LEAST_DISK)
    assert levels(found) == ["warning", "ok"]


def test_a_folder_that_cannot_be_written_is_a_failure() -> None:
    assert levels(judge_state(FOLDER, mode=None, writable=False, free=0)) == ["failure", "warning"]


def test_topics_that_differ_are_failures_with_their_advice() -> None:
    (finding,) = judge_topics(["topic 'items' is missing: run `headwater topics create`"], total=9)
    assert (finding.level, finding.advice) == ("failure", "run `headwater topics create`")


def test_only_a_record_from_the_future_proves_a_wrong_clock() -> None:
    assert judge_skew(None, now=100.0).level == "ok"
    assert judge_skew(10.0, now=100.0).level == "ok"
    assert judge_skew(110.0, now=100.0).level == "warning"


@pytest.mark.parametrize(
    ("position", "level"),
    [
        (Position(0, 0, None), "ok"),
        (Position(0, 5, None), "warning"),
        (Position(0, 5, 3), "ok"),
        (Position(0, 50_000, 3), "warning"),
    ],
)
def test_lag_is_a_warning_when_nobody_reads_or_too_slowly(position: Position, level: str) -> None:
    assert levels(judge_lag({"events": {0: position}})) == [level]


def test_a_port_taken_by_a_stranger_is_a_failure(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = Settings(state_dir=tmp_path, metrics={"port": port})  # type: ignore[arg-type]
        found = {finding.name: finding for finding in check_machine(settings)}
    assert found["metrics"].level == "failure"
    assert f"metrics.port={port}" in found["settings"].text


async def test_a_broker_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    (finding,) = await check_broker(Settings(state_dir=tmp_path), patience=0.2)
    assert (finding.level, finding.name) == ("failure", "broker")
    assert "headwater broker" in finding.advice


async def test_a_listener_that_never_answers_is_a_failure_and_not_waited_for(
    tmp_path: Path,
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        settings = Settings(broker=f"127.0.0.1:{port}", state_dir=tmp_path)
        findings = await check_broker(settings, patience=0.2)
    assert levels(iter(findings)) == ["failure"]
    assert "does not answer" in findings[0].text


def test_a_probe_that_fails_says_why() -> None:
    with pytest.raises(ProbeFailed, match="KeyError: 'no-such-probe'"):
        probe("no-such-probe", patience=30.0)


def test_the_index_of_this_machine_passes_its_canary() -> None:
    assert judge_index(probe("index", patience=60.0)).level == "ok"
