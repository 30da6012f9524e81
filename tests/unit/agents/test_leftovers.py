"""A user is found in files as they are on the disk, and nobody else in their stead."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from agents.kept import KeptFile
from agents.leftovers import BLOCK, search_folder
from agents.mentions import Name
from agents.stretches import Last, Stretch
from agents.traces import Trace
from streams.profiles import Entry, Profile, encode_profile

PROFILE = encode_profile(Profile(history=tuple(Entry(1.0, "7", "click", 1.0) for _ in range(40))))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The part of a state folder that is of one log."""
    (tmp_path / "cluster" / "tables").mkdir(parents=True)
    return tmp_path / "cluster"


def looked(own: Path, user_id: str = "7", *longer: bytes) -> list[Trace]:
    return search_folder(own.parent, own, Name(user_id), longer=longer)


def keep(own: Path, *changes: dict[bytes, bytes | None], close: bool = True) -> KeptFile:
    file = KeptFile(own / "tables" / "profiles-0.sqlite", log="profiles-0")
    for number, change in enumerate(changes):
        stretch = Stretch(change, number, number + 1, Last(number, 0), whole=number == 0)
        file.write(stretch, now=0.0)
    if close:
        file.close()
    return file


def test_an_empty_folder_holds_nothing(own: Path) -> None:
    assert looked(own) == [Trace(f"files in {own}")]


def test_a_row_of_a_local_copy_is_found(own: Path) -> None:
    keep(own, {b"7": PROFILE, b"8": PROFILE})
    (trace,) = looked(own)
    assert trace.held >= 1
    assert trace.what == "profiles-0.sqlite"


def test_a_row_is_found_wherever_the_border_of_a_page_cuts_its_key(own: Path) -> None:
    name = "a-rather-long-user-id-of-somebody"
    for length in range(900, 1100, 3):
        keep(own, {name.encode(): b'{"' + b"x" * length})
        (trace,) = looked(own, name)
        assert trace.held >= 1, length
        (own / "tables" / "profiles-0.sqlite").unlink()


def test_rows_of_others_are_no_finds_though_they_end_with_the_id_or_like_it(own: Path) -> None:
    others = [f"{n}7".encode() for n in range(300)]
    keep(own, dict.fromkeys(others, PROFILE))
    (trace,) = looked(own, "7", *others)
    assert trace.held == 0


def test_a_row_in_the_write_ahead_log_is_found(own: Path) -> None:
    file = keep(own, {b"8": PROFILE}, {b"7": PROFILE}, close=False)
    (trace,) = looked(own)
    file.close()
    assert trace.what == "profiles-0.sqlite-wal"


def test_a_row_that_was_removed_is_gone_from_the_file(own: Path) -> None:
    file = keep(own, {b"7": PROFILE, b"8": PROFILE}, {b"7": None}, close=False)
    (trace,) = looked(own)
    file.close()
    assert trace.held == 0


def test_what_is_left_of_a_row_in_a_free_page_is_found(own: Path) -> None:
    (own / "tables" / "profiles-0.sqlite").write_bytes(os.urandom(5000) + b"7" + PROFILE)
    assert looked(own)[0].held == 1


def test_a_worker_may_write_while_it_is_looked(own: Path) -> None:
    file = keep(own, {b"7": PROFILE}, close=False)
    looked(own)
    file.write(Stretch({b"7": None}, 1, 2, Last(1, 0)), now=0.0)
    file.close()
    assert looked(own)[0].held == 0


def test_in_other_files_whole_strings_count_and_longer_ones_do_not(own: Path) -> None:
    (own / "facts.bin").write_bytes(msgspec.msgpack.encode(["user-70", "a user-7"]))
    assert looked(own, "user-7")[0].held == 0
    (own / "facts.bin").write_bytes(msgspec.msgpack.encode({"by": "user-7"}))
    assert looked(own, "user-7")[0].held == 1


def test_a_find_across_the_border_of_two_blocks_counts_once(own: Path) -> None:
    for at in (BLOCK - 4, BLOCK - 4000, BLOCK, 2 * BLOCK - 1):
        (own / "large.bin").write_bytes(bytes(at) + b'"user-1234"' + bytes(9000))
        assert looked(own, "user-1234")[0].held == 1, at


def test_so_short_an_id_that_chance_would_find_it_is_said_not_to_be_searched(own: Path) -> None:
    (own / "vectors.bin").write_bytes(os.urandom(2_000_000))
    (trace,) = looked(own)
    assert trace.held == 0
    assert trace.note.startswith("1 files not searched")


def test_the_part_of_another_log_is_told_apart_and_is_no_state_of_this_one(own: Path) -> None:
    keep(own.parent / "shop.cluster", {b"7": PROFILE})
    mine, other = looked(own)
    assert (mine.held, other.held) == (0, 0)
    assert other.left >= 1
    assert "of another log or tenant" in other.note


def test_a_file_beside_the_parts_is_looked_at(own: Path) -> None:
    (own.parent / "notes.json").write_text('{"who": "user-7"}')
    assert looked(own, "user-7")[0].held == 1
