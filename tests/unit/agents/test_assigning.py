"""Partitions of our topics go to workers only, whoever else is in the group."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.assignor.partition_assignor import PartitionAssignor

from agents.safety.assigning import SafeAssignor

OURS = {"events", "slate-requests"}
PARTITIONS = 4


def assignor(folder: Path, kind: type[PartitionAssignor]) -> Any:
    app = faust.App(
        "assigning",
        broker="kafka://127.0.0.1:1",
        store="memory://",
        datadir=str(folder),
        web_enabled=False,
        table_standby_replicas=0,
    )
    return kind(app, replicas=0)


def divided(folder: Path, kind: type[PartitionAssignor], **wishes: set[str]) -> dict[str, Counter]:
    """Member to how many partitions of each topic it is given, when the first one divides."""
    assign = assignor(folder, kind)
    members = {name: assign.metadata(wish) for name, wish in reversed(wishes.items())}
    cluster = SimpleNamespace(partitions_for_topic=lambda _: set(range(PARTITIONS)))
    found = assign.assign(cluster, members)
    return {
        name: Counter({topic: len(numbers) for topic, numbers in given.assignment})
        for name, given in found.items()
    }


@pytest.fixture(params=[SafeAssignor, PartitionAssignor], ids=["mended", "stock"])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_another_application_is_given_nothing_of_ours(tmp_path: Path, kind: Any) -> None:
    given = divided(tmp_path, kind, worker=OURS, billing={"events"})
    assert (given["billing"]["events"] == 0) is (kind is SafeAssignor)
    assert given["worker"]["slate-requests"] == PARTITIONS


def test_another_application_is_given_its_own_topics(tmp_path: Path) -> None:
    given = divided(tmp_path, SafeAssignor, worker=OURS, billing={"events", "bills"})
    assert given["billing"] == {"bills": PARTITIONS}
    assert given["worker"] == dict.fromkeys(OURS, PARTITIONS)


def test_workers_share_as_they_always_did(tmp_path: Path, kind: Any) -> None:
    given = divided(tmp_path, kind, one=OURS, two=OURS)
    assert given == dict.fromkeys(("one", "two"), dict.fromkeys(OURS, PARTITIONS // 2))
