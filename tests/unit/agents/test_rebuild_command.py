"""The command says what became of the index, in words, in JSON and in its exit code."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agents.__main__ import app_of
from agents.commands.rebuild import Report, lines, offer, report_object, tell, verdict, wait
from agents.drafts import Draft
from agents.handover import Answer, Handover
from agents.rebuilding import Built, Newest
from indexes.embedding import DIM, fingerprint
from indexes.exact import ExactIndex
from indexes.misbehaving import Meddled
from streams.errors import SetupError

TAKEN = Answer("abc", True, items_before=1999, items=2000, generation=3)
REFUSED = Answer("abc", False, why="vectors.npy: altered")


def built(index: ExactIndex | None = None) -> Built:
    draft = Draft(ExactIndex(DIM) if index is None else index, {}, {0: 5}, {}, fingerprint())
    return Built(draft, seconds=1.25, recall=0.9961)


def report(answer: Answer | None = None, *, attended: bool = False, refused: int = 0) -> Report:
    newest = Newest(records=2500, refused=refused, first_refused="item-vectors-0-3: 'dune': noise")
    return Report(newest, built(), answer, attended, Path("/state/x/item-vectors.rebuilt"), 4.0)


def test_it_says_what_was_built_and_that_it_serves() -> None:
    assert lines(report(TAKEN)) == [
        "built: 0 items out of 2,500 records in 1.2 s, recall@10 0.996 against exact search",
        "the worker has swapped it in: 1,999 items before, 2,000 now, generation 3, 4.0 s in all",
    ]


def test_records_that_cannot_be_used_are_counted_and_the_first_is_named() -> None:
    (_, line, _) = lines(report(TAKEN, refused=2))
    assert line.startswith("2 records cannot be used")
    assert line.endswith("item-vectors-0-3: 'dune': noise")


def test_without_a_worker_it_says_that_the_next_start_takes_it() -> None:
    assert verdict(report()) == "no worker runs on /state/x: the next start takes it"


def test_a_worker_that_has_not_answered_is_not_said_to_have_taken_it() -> None:
    text = verdict(report(attended=True))
    assert text.startswith("the worker has not taken it yet")
    assert text.endswith("the next start takes it at the latest")


def test_the_json_object_is_about_the_same() -> None:
    found = json.loads(json.dumps(report_object(report(TAKEN))))
    assert found["taken"] is True
    assert (found["items_before"], found["items_now"], found["generation"]) == (1999, 2000, 3)
    assert (found["records"], found["recall"], found["build_seconds"]) == (2500, 0.9961, 1.25)
    waiting = report_object(report())
    assert (waiting["taken"], waiting["generation"]) == (False, None)


@pytest.mark.parametrize("as_json", [True, False])
def test_the_exit_code_is_1_when_the_worker_has_thrown_it_away_and_else_0(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(report(TAKEN), as_json=as_json)
    tell(report(), as_json=as_json)
    with pytest.raises(typer.Exit) as ended:
        tell(report(REFUSED), as_json=as_json)
    assert ended.value.exit_code == 1
    assert "goes on with the old one: vectors.npy: altered" in capsys.readouterr().out


def test_without_a_worker_nobody_waits(tmp_path: Path) -> None:
    assert wait(Handover(tmp_path / "item-vectors"), "abc", patience=3600.0) is None


def test_a_worker_that_does_not_answer_is_waited_for_no_longer_than_said(tmp_path: Path) -> None:
    worker = Handover(tmp_path / "item-vectors")
    worker.attend()
    assert wait(Handover(tmp_path / "item-vectors"), "abc", patience=0.15) is None
    worker.reply(TAKEN)
    assert wait(Handover(tmp_path / "item-vectors"), "abc", patience=3600.0) == TAKEN
    worker.leave()


def test_a_full_disk_is_named_with_what_to_do(tmp_path: Path) -> None:
    def disk_full() -> None:
        raise OSError(28, "No space left on device")

    handover = Handover(tmp_path / "item-vectors")
    with pytest.raises(SetupError, match=r"No space left on device: make room .* old index goes"):
        offer(handover, built(Meddled(DIM, meddle=disk_full)))
    assert handover.waiting() is None


def test_its_help_has_an_example() -> None:
    shown = CliRunner().invoke(app_of(["rebuild"]), ["rebuild", "index", "--help"])
    assert shown.exit_code == 0
    assert "headwater rebuild index --patience 10" in shown.output
