"""`headwater forget` as a user runs it, with a worker on the embedded broker."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from streams.embedded import EmbeddedBroker
from streams.events import Interaction, encode_event
from streams.kafka import Broker, partition_of
from streams.profiles import decode_profile
from streams.topics import Topics
from tests.support.processes import Program, WorkerProgram
from tests.support.wire import everything, first, send


def forget(
    settings: Mapping[str, str], log: Path, *arguments: str
) -> tuple[int, dict[str, Any], str]:
    """Run it: its exit code, its JSON, and all it wrote."""
    log.unlink(missing_ok=True)
    with Program("forget", *arguments, "--json", settings=settings, log=log) as program:
        code = program.wait()
    text = log.read_text()
    lines = [line for line in text.splitlines() if line.startswith("{")]
    return code, json.loads(lines[0]) if lines else {}, text


def place(report: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next(place for place in report["places"] if place["place"] == name)


def _click(user: str, item: str = "sea-1") -> tuple[bytes, bytes]:
    event = Interaction(user_id=user, item_id=item, action="click", at=time.time())
    return user.encode(), encode_event(event)


async def _known(broker: Broker, *events: tuple[bytes, bytes]) -> None:
    await send(broker, "events", *events)
    key = events[-1][0]
    await first(broker, "profiles", lambda r: r.key == key and r.value is not None)
    await first(broker, "recommendations", lambda r: r.key == key and r.value is not None)


async def test_a_user_is_forgotten_everywhere_and_the_log_is_not_said_to_be_empty(
    broker: Broker, worker: WorkerProgram, settings: Mapping[str, str], tmp_path: Path
) -> None:
    await _known(broker, _click("7x"), _click("7x", "sea-2"), _click("17x"))
    code, report, text = forget(settings, tmp_path / "log", "7x")
    assert (code, report["forgotten"]) == (0, True), text
    assert place(report, "profiles")["held_before_what"].startswith("a profile with ")
    assert place(report, "profiles")["held"] == 0
    assert place(report, "recommendations")["held"] == 0
    assert place(report, "events")["left"] == 3
    newest = {r.key: r for topic in ("profiles",) for r in await everything(broker, topic)}
    assert newest[b"7x"].value is None
    assert newest[b"17x"].value is not None


async def test_only_looking_sends_nothing_and_says_who_is_known(
    broker: Broker, worker: WorkerProgram, settings: Mapping[str, str], tmp_path: Path
) -> None:
    await _known(broker, _click("nora"))
    before = len(await everything(broker, "events"))
    code, report, text = forget(settings, tmp_path / "log", "nora", "--verify")
    assert (code, report["forgotten"]) == (1, False), text
    assert place(report, "profiles")["held"] == 1
    assert report["sent"] == []
    assert len(await everything(broker, "events")) == before


async def test_who_was_never_there_is_not_found_and_that_is_no_error(
    broker: Broker, worker: WorkerProgram, settings: Mapping[str, str], tmp_path: Path
) -> None:
    code, report, _ = forget(settings, tmp_path / "log", "nobody", "--verify")
    assert code == 0
    assert not any(place["held"] or place["left"] for place in report["places"])


async def test_what_another_partitioner_has_put_elsewhere_is_forgotten_too(
    broker: Broker, worker: WorkerProgram, settings: Mapping[str, str], tmp_path: Path
) -> None:
    from streams.kafka import Outbox

    key, value = _click("zoe")
    elsewhere = (partition_of(key, 4) + 1) % 4
    outbox = Outbox(broker)
    await outbox.start()
    await outbox.post("events", key=key, value=value, partition=elsewhere)
    await outbox.stop()
    await first(broker, "recommendations", lambda r: r.key == key and r.value is not None)
    code, report, text = forget(settings, tmp_path / "log", "zoe")
    assert code == 0, text
    assert len(report["sent"]) == 2


async def test_an_event_after_the_forgetting_begins_a_profile_from_nothing(
    broker: Broker, worker: WorkerProgram, settings: Mapping[str, str], tmp_path: Path
) -> None:
    await _known(broker, _click("leah"), _click("leah", "sea-2"))
    assert forget(settings, tmp_path / "log", "leah")[0] == 0
    end = max(r.offset for r in await everything(broker, "profiles") if r.key == b"leah")
    await send(broker, "events", _click("leah", "sea-3"))
    again = await first(
        broker, "profiles", lambda r: r.key == b"leah" and r.offset > end and r.value is not None
    )
    profile = decode_profile(again.value or b"")
    assert [entry.item_id for entry in profile.history] == ["sea-3"]
    assert (profile.seen, dict(profile.counters)) == (("sea-3",), {"click": 1})


async def test_without_a_worker_it_says_so_and_what_to_do(tmp_path: Path) -> None:
    with EmbeddedBroker() as embedded:
        for name, partitions in Topics(prefix="", partitions=4).partition_counts().items():
            embedded.declare(name, partitions)
        settings = {
            "HEADWATER_BROKER": embedded.bootstrap,
            "HEADWATER_STATE_DIR": str(tmp_path / "state"),
        }
        code, report, text = forget(settings, tmp_path / "log", "ann", "--patience", "1")
        assert (code, report) == (1, {})
        assert "in 1 s no worker read on to events-" in text
        assert "Start `headwater worker`" in text
        code, report, _ = forget(settings, tmp_path / "log", "ann", "--verify")
        assert code == 1
        assert place(report, "events")["held_what"] == "1 event to be folded"


@pytest.mark.parametrize("user", ["", "x" * 300])
def test_what_is_no_user_id_is_refused(
    settings: Mapping[str, str], tmp_path: Path, user: str
) -> None:
    code, _, text = forget(settings, tmp_path / "log", user)
    assert code == 1
    assert "printable characters" in text
