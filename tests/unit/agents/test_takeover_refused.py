"""A rebuilt index that is of no use is named, counted and thrown away; the one there is goes on."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agents.aging import MAX_AGE
from agents.known import dump_known
from agents.stretches import Last
from agents.testing import SmallLog, run_at_once
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from indexes.items import HnswIndex
from indexes.snapshots import save
from tests.support.rebuilt import Serving, contents, draft_of, folded, value
from tests.support.takeovers import flip_a_bit, serving


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "item-vectors"


# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def lose_a_file(folder: Path) -> None:
    (path,) = folder.glob("version-*/ids.json")
    path.unlink()


def garble_its_name(folder: Path) -> None:
    (folder / "current").write_bytes(b"\x00\xff")


def write_with_another_encoder(folder: Path) -> None:
    save(folder, index=ExactIndex(DIM), offsets={}, facts=b"\x80", fingerprint="another")


def write_shorter_vectors(folder: Path, encoder: str) -> None:
    save(folder, index=ExactIndex(3), offsets={}, facts=b"\x80", fingerprint=encoder)


def write_facts_of_another_version(folder: Path, encoder: str) -> None:
    save(folder, index=ExactIndex(DIM), offsets={}, facts=b"\x81\xa1x\x91\x01", fingerprint=encoder)


def write_another_kind(folder: Path, encoder: str) -> None:
    save(folder, index=HnswIndex(DIM), offsets={}, facts=b"\x80", fingerprint=encoder)


def write_what_has_read_more_than_there_is(folder: Path, encoder: str) -> None:
    nothing = dump_known({}, {})
    save(folder, index=ExactIndex(DIM), offsets={"0": 99}, facts=nothing, fingerprint=encoder)


def write_what_ends_with_another_record(folder: Path, encoder: str) -> None:
    nothing = dump_known({}, {0: Last(1, 1234)})
    save(folder, index=ExactIndex(DIM), offsets={"0": 2}, facts=nothing, fingerprint=encoder)


SPOILED: dict[str, tuple[Callable[..., None], str, str]] = {
    "a flipped bit": (flip_a_bit, "snapshot_corrupt", "altered"),
    "a lost file": (lose_a_file, "snapshot_corrupt", "ids.json"),
    "no readable name": (garble_its_name, "snapshot_corrupt", "expected a version"),
    "another encoder": (write_with_another_encoder, "encoder_mismatch", "'another'"),
    "shorter vectors": (write_shorter_vectors, "dimension_mismatch", "dim 3, expected 384"),
    "other facts": (write_facts_of_another_version, "snapshot_corrupt", "facts"),
    "another kind": (write_another_kind, "index_unfit", "HnswIndex, the worker has ExactIndex"),
    "another log": (write_what_has_read_more_than_there_is, "index_unfit", "not of this log"),
    "as long a log": (write_what_ends_with_another_record, "index_unfit", "not of this log"),
}


async def is_thrown_away(worker: Serving, digest: str, *, reason: str, words: str) -> None:
    """Named, counted and gone; and the index that served goes on."""
    former = worker.catalogue.index
    before = contents(worker.catalogue)
    await worker.tick()
    assert worker.catalogue.index is former
    assert contents(worker.catalogue) == before
    assert not worker.command.folder.exists()
    answer = worker.answer(digest)
    assert answer is not None
    assert not answer.taken
    assert words in answer.why
    failures = "headwater_local_state_failures_total"
    assert worker.count(failures, topic="item-vectors", reason=reason) == 1
    assert worker.count("headwater_index_rebuild_failures") == 1
    assert worker.count("headwater_index_generation") == 1


async def test_one_that_is_too_old_is_thrown_away(own: Path) -> None:
    worker = await serving(own, "sand", "tea")
    await worker.offer()
    worker.replica.takeover._clock = lambda: time.time() + MAX_AGE + 60
    digest = worker.command.digest()
    await is_thrown_away(worker, digest, reason="too_old", words="12.0 h old, expected at most 12")
    await worker.stop()


@pytest.mark.parametrize(("spoil", "reason", "words"), SPOILED.values(), ids=SPOILED.keys())
async def test_what_cannot_be_used_is_named_counted_and_thrown_away(
    own: Path,
    spoil: Callable[..., None],
    reason: str,
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = await serving(own, "sand", "tea")
    await worker.offer()
    folder = worker.command.folder
    if spoil.__code__.co_argcount == 2:
        spoil(folder, worker.replica.fingerprint.hex())
    else:
        spoil(folder)
    digest = "" if spoil is garble_its_name else worker.command.digest()
    await is_thrown_away(worker, digest, reason=reason, words=words)
    (line,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "rebuilt index thrown away, the present one goes on" in line.message
    assert words in line.message
    worker.log.append(b"sea", value("sea"))
    await worker.follow()
    assert contents(worker.catalogue) == folded(worker.log.records)
    await worker.stop()


async def test_one_in_which_the_canary_finds_fault_is_thrown_away(own: Path) -> None:
    worker = await serving(own, *"abcdefghijklmnop", index=lambda: HnswIndex(DIM))
    draft = await draft_of(worker.log.records, kind="hnsw")
    assert isinstance(draft.index, HnswIndex)
    vectors = draft.index._succession.serving.vectors
    vectors[:16] = vectors[15::-1].copy()  # the graph has each under another's name
    digest = await worker.offer(draft)
    await is_thrown_away(worker, digest, reason="index_unfit", words="are not those of the items")
    await worker.stop()


async def test_a_broker_that_goes_away_meanwhile_costs_the_rebuilt_one_and_no_more(
    own: Path,
) -> None:
    class Gone(SmallLog):
        async def start(
            self, offsets: Mapping[int, int] | None = None, *, at_end: bool = False
        ) -> None:
            raise RuntimeError("KafkaConnectionError: nobody there")

    worker = await serving(own, "sand")
    worker.new_reader = lambda: Gone("item-vectors", partitions=2)
    digest = await worker.offer()
    await is_thrown_away(worker, digest, reason="runtime_error", words="nobody there")
    await worker.stop()


def test_one_whose_last_records_do_not_come_is_thrown_away_and_new_items_wait_no_longer() -> None:
    class Silent(SmallLog):
        async def read(self, *, wait: float, most: int = 2000) -> list[object]:  # type: ignore[override]
            await asyncio.sleep(wait)
            return []

    async def main(own: Path) -> None:
        worker = await serving(own, "sand")
        draft = await draft_of(worker.log.records)
        digest = await worker.offer(draft)
        await worker.replica.tick()
        while not (worker.takeover._preparing and worker.takeover._preparing.done()):
            await asyncio.sleep(0.001)
        worker.log.append(b"sea", value("sea"))
        await worker.follow()
        silent = Silent("item-vectors", partitions=2)
        silent.records = worker.log.records
        worker.new_reader = lambda: silent
        await is_thrown_away(worker, digest, reason="timeout_error", words="not read within 120 s")
        await worker.stop()

    with TemporaryDirectory() as folder:
        run_at_once(main(Path(folder) / "item-vectors"))


async def test_a_start_with_one_rebuilt_from_another_log_as_long_reads_the_log(
    own: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = await serving(own, "sand", "tea")
    await before.stop()
    await before.offer()
    other = Serving(own)
    other.log.append(b"sea", value("sea"))
    other.log.append(b"ice", value("ice"))
    await other.start()
    assert contents(other.catalogue) == {"sea": "sea", "ice": "ice"}
    assert "the topic does not have the records that it ends with" in caplog.text
    await other.stop()
