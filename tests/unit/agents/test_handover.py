"""Through files a rebuilt index gets to the worker whole, and the answer gets back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents.handover import Answer, Handover
from indexes.versions import sole_writer
from tests.support.rebuilt import draft_of, log_of, value


async def offered(own: Path) -> tuple[Handover, str]:
    log = log_of()
    log.append(b"dune", value("sand"))
    handover = Handover(own)
    return handover, handover.offer(await draft_of(log.records))


async def test_what_is_offered_waits_under_its_own_name_for_nobody_else_to_read(
    tmp_path: Path,
) -> None:
    handover, digest = await offered(tmp_path / "state" / "item-vectors")
    assert Handover(handover.own).digest() == digest
    assert handover.waiting() is not None
    assert handover.folder.stat().st_mode & 0o777 == 0o700
    assert handover.own.parent.stat().st_mode & 0o777 == 0o700


async def test_each_offer_has_another_mark(tmp_path: Path) -> None:
    handover, _ = await offered(tmp_path / "item-vectors")
    first = handover.waiting()
    os.utime(handover.folder / "current", ns=(1, 1))
    assert handover.waiting() != first
    handover.discard()
    assert handover.waiting() is None
    assert handover.digest() == ""


async def test_an_answer_is_heard_by_whom_it_is_for(tmp_path: Path) -> None:
    handover, digest = await offered(tmp_path / "item-vectors")
    assert handover.answer(digest) is None
    answer = Answer(digest, True, items_before=3, items=4, generation=2)
    Handover(handover.own).reply(answer)
    assert handover.answer(digest) == answer
    assert handover.answer("another") is None


async def test_an_answer_to_what_had_no_readable_name_is_for_whoever_waits(tmp_path: Path) -> None:
    handover, digest = await offered(tmp_path / "item-vectors")
    handover.reply(Answer("", False, why="altered"))
    answer = handover.answer(digest)
    assert answer is not None
    assert answer.why == "altered"


async def test_an_old_answer_is_none_to_a_new_offer(tmp_path: Path) -> None:
    own = tmp_path / "item-vectors"
    Handover(own).reply(Answer("", False, why="of yesterday"))
    handover, digest = await offered(own)
    assert handover.answer(digest) is None


async def test_what_is_kept_takes_the_place_of_the_snapshot(tmp_path: Path) -> None:
    handover, _ = await offered(tmp_path / "item-vectors")
    handover.own.mkdir()
    (handover.own / "old").touch()
    handover.keep()
    handover.clean()
    assert os.listdir(tmp_path) == ["item-vectors"]
    assert (handover.own / "current").exists()
    assert not (handover.own / "old").exists()


async def test_keeping_what_another_worker_has_kept_leaves_the_snapshot(tmp_path: Path) -> None:
    handover, _ = await offered(tmp_path / "item-vectors")
    Handover(handover.own).keep()
    handover.keep()
    assert (handover.own / "current").exists()


async def test_nothing_is_kept_while_another_worker_writes_its_snapshot_there(
    tmp_path: Path,
) -> None:
    handover, digest = await offered(tmp_path / "item-vectors")
    handover.own.mkdir()
    with sole_writer(handover.own), pytest.raises(OSError, match="another process is writing"):
        handover.keep()
    assert handover.digest() == digest
    handover.keep()
    assert (handover.own / "current").exists()


async def test_a_worker_that_died_between_the_renames_finds_the_rebuilt_one(tmp_path: Path) -> None:
    handover, digest = await offered(tmp_path / "item-vectors")
    (tmp_path / "item-vectors.former").mkdir()
    (tmp_path / "item-vectors.former" / "old").touch()
    again = Handover(handover.own)
    assert again.digest() == digest
    again.keep()
    assert (handover.own / "current").exists()


def test_a_worker_is_known_to_live_until_it_leaves(tmp_path: Path) -> None:
    worker, command = Handover(tmp_path / "item-vectors"), Handover(tmp_path / "item-vectors")
    assert not command.attended()
    worker.attend()
    assert command.attended()
    worker.leave()
    worker.leave()
    assert not command.attended()


def test_of_two_workers_that_share_a_folder_one_is_enough(tmp_path: Path) -> None:
    one, two = Handover(tmp_path / "item-vectors"), Handover(tmp_path / "item-vectors")
    one.attend()
    two.attend()
    one.leave()
    assert Handover(tmp_path / "item-vectors").attended()
    two.leave()


def test_a_worker_that_was_killed_is_known_not_to_live(tmp_path: Path) -> None:
    own = tmp_path / "item-vectors"
    script = (
        "import sys, pathlib; from agents.handover import Handover; "
        "Handover(pathlib.Path(sys.argv[1])).attend(); print('here', flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(own)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
        assert Handover(own).attended()
        child.kill()
        child.wait()
        assert not Handover(own).attended()


async def test_a_disk_that_takes_nothing_leaves_nothing_offered(tmp_path: Path) -> None:
    log = log_of()
    log.append(b"dune", value("sand"))
    draft = await draft_of(log.records)
    (tmp_path / "item-vectors.rebuilt").touch()  # a file where the folder should be
    handover = Handover(tmp_path / "item-vectors")
    with pytest.raises(OSError, match="item-vectors"):
        handover.offer(draft)
    assert handover.waiting() is None
