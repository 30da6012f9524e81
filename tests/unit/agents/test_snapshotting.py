"""A snapshot is written when it is due, read when it can be trusted, and never in the way."""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from agents.aging import MAX_AGE
from agents.catalogue import Catalogue
from agents.metrics import Metrics
from agents.snapshotting import Snapshotting
from agents.stretches import Last
from indexes.embedding import DIM, fingerprint
from indexes.exact import ExactIndex
from indexes.images import Snapshottable
from indexes.items import HnswIndex
from indexes.misbehaving import Meddled
from indexes.snapshots import load, save
from indexes.testing import draw_vectors
from streams.items import ItemFacts
from streams.vectors import VectorRecord

# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

EVERY = 30.0
LAST = Last(4, 1234)
ROWS = draw_vectors(8, dim=DIM, seed=1)


class Keeping:
    """A `Snapshotting`, its clock, and what its catalogue is on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = time.time()
        self.metrics = Metrics()
        self.snapshots = Snapshotting(
            folder, every=EVERY, metrics=self.metrics, clock=lambda: self.now
        )

    def age(self) -> float | None:
        return self.metrics.registry.get_sample_value(
            "headwater_snapshot_age_seconds", {"replica": "item-vectors"}
        )

    def failures(self) -> float:
        """Counted, for any reason."""
        (family,) = self.metrics.local_state_failures.collect()
        counted = [s for s in family.samples if s.name.endswith("_total")]
        assert all(sample.labels["topic"] == "item-vectors" for sample in counted)
        return sum(sample.value for sample in counted)

    def write(self, catalogue: Catalogue, *, offset: int) -> None:
        """Have a child write a snapshot, and see it through."""
        self.snapshots.note_change()
        self.now += EVERY + 1
        self.snapshots.tick(catalogue, {0: offset}, {0: LAST})
        self.see_through(catalogue)

    def see_through(self, catalogue: Catalogue) -> None:
        deadline = time.monotonic() + 10
        while self.snapshots._writer.busy:
            assert time.monotonic() < deadline
            self.snapshots.tick(catalogue, {0: -1}, {})
            time.sleep(0.002)

    def restore(self, catalogue: Catalogue) -> Mapping[int, int]:
        """Fill the catalogue; the offsets to go on from."""
        restored = self.snapshots.read(catalogue)
        if restored is None:
            return {}
        assert restored.lasts == {0: LAST}
        self.snapshots.adopt(restored, catalogue)
        return restored.offsets

    def offsets(self) -> dict[str, int] | None:
        snapshot = load(self.folder, dim=DIM, fingerprint=fingerprint().hex())
        return None if snapshot is None else snapshot.offsets


def catalogue_of(count: int, index: Snapshottable | None = None) -> Catalogue:
    catalogue = Catalogue(ExactIndex(DIM) if index is None else index, half_life=1000.0)
    for number, row in enumerate(ROWS[:count]):
        vector = row.astype(np.float16)
        facts = ItemFacts(f"Book {number}", attributes={"by": "Herbert"})
        catalogue.index.upsert(str(number), vector)
        catalogue.announce(
            str(number), VectorRecord(fingerprint(), b"0" * 16, vector, facts, 0, number, 0.0)
        )
    return catalogue


def keep(folder: Path, catalogue: Catalogue, *, encoder: str | None = None) -> None:
    save(
        folder,
        index=catalogue.index,
        offsets={"0": 7, "3": 9},
        facts=catalogue.dump_facts({0: LAST}),
        fingerprint=fingerprint().hex() if encoder is None else encoder,
    )


# -- reading


@pytest.mark.parametrize("index", [lambda: ExactIndex(DIM), lambda: HnswIndex(DIM)])
def test_a_snapshot_gives_back_the_items_and_the_offsets_to_go_on_from(
    tmp_path: Path, index: Callable[[], Snapshottable]
) -> None:
    keep(tmp_path, catalogue_of(3, index()))
    after = Catalogue(index(), half_life=1000.0)
    assert Keeping(tmp_path).restore(after) == {0: 7, 3: 9}
    assert after.matching({"by": "Herbert"}) == {"0", "1", "2"}
    assert sorted(after.index.item_ids()) == ["0", "1", "2"]
    assert np.allclose(after.vector("1"), ROWS[1], atol=2e-3)


def test_where_there_is_no_snapshot_the_log_is_read_from_its_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    after = catalogue_of(0)
    assert Keeping(tmp_path / "none").restore(after) == {}
    assert caplog.text == ""


def flip_a_bit(folder: Path) -> None:
    (path,) = folder.glob("version-*/vectors.npy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut_the_facts(folder: Path) -> None:
    (path,) = folder.glob("version-*/facts.bin")
    path.write_bytes(path.read_bytes()[:-1])


def lose_a_file(folder: Path) -> None:
    (path,) = folder.glob("version-*/ids.json")
    path.unlink()


def garble_current(folder: Path) -> None:
    (folder / "current").write_bytes(b"\x00\xff")


def write_facts_of_another_shape(folder: Path) -> None:
    index = catalogue_of(2).index
    save(folder, index=index, offsets={}, facts=b"\x93", fingerprint=fingerprint().hex())


def write_facts_of_another_version(folder: Path) -> None:
    index = catalogue_of(2).index
    facts = b"\x81\xa1x\x91\x01"  # {"x": [1]}
    save(folder, index=index, offsets={}, facts=facts, fingerprint=fingerprint().hex())


def write_with_another_encoder(folder: Path) -> None:
    keep(folder, catalogue_of(2), encoder="another")


def write_shorter_vectors(folder: Path) -> None:
    save(folder, index=ExactIndex(3), offsets={}, facts=b"\x80", fingerprint=fingerprint().hex())


@pytest.mark.parametrize(
    "spoil",
    [
        flip_a_bit,
        cut_the_facts,
        lose_a_file,
        garble_current,
        write_facts_of_another_shape,
        write_facts_of_another_version,
        write_with_another_encoder,
        write_shorter_vectors,
    ],
)
def test_a_snapshot_that_cannot_be_used_is_logged_and_leaves_the_catalogue_empty(
    tmp_path: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    keep(tmp_path, catalogue_of(3))
    spoil(tmp_path)
    after = catalogue_of(0)
    index = after.index
    keeping = Keeping(tmp_path)
    assert keeping.restore(after) == {}
    assert (len(after), len(after.index)) == (0, 0)
    assert after.index is index
    (line,) = caplog.records
    assert line.levelno == logging.ERROR
    assert "snapshot unusable, reading the log from its start instead" in line.message
    assert keeping.failures() == 1


def test_a_snapshot_of_another_kind_of_index_does_not_overrule_the_settings(
    tmp_path: Path,
) -> None:
    keep(tmp_path, catalogue_of(3, HnswIndex(DIM)))
    after = catalogue_of(0, ExactIndex(DIM))
    Keeping(tmp_path).restore(after)
    assert isinstance(after.index, ExactIndex)


@pytest.mark.parametrize("hours", [13, -13])
def test_a_snapshot_from_before_the_log_forgot_what_was_removed_is_not_gone_on_from(
    tmp_path: Path, hours: int, caplog: pytest.LogCaptureFixture
) -> None:
    keep(tmp_path, catalogue_of(3))
    keeping, after = Keeping(tmp_path), catalogue_of(0)
    keeping.now += hours * 3600
    assert keeping.restore(after) == {}
    assert len(after.index) == 0
    assert "13.0 h old, expected at most 12" in caplog.text
    assert keeping.metrics.local_state_failures.labels("item-vectors", "too_old")._value.get() == 1


# -- writing


def test_a_snapshot_is_written_when_it_is_due_and_not_before(tmp_path: Path) -> None:
    keeping, catalogue = Keeping(tmp_path), catalogue_of(3)
    keeping.snapshots.note_change()
    keeping.now += EVERY - 1
    keeping.snapshots.tick(catalogue, {0: 5}, {0: LAST})
    assert not keeping.snapshots._writer.busy
    keeping.now += 2
    keeping.snapshots.tick(catalogue, {0: 6}, {0: LAST})
    keeping.see_through(catalogue)
    assert keeping.offsets() == {"0": 6}


def test_while_nothing_changes_nothing_is_written(tmp_path: Path) -> None:
    keeping, catalogue = Keeping(tmp_path), catalogue_of(3)
    keeping.write(catalogue, offset=5)
    keeping.now += 10 * EVERY
    keeping.snapshots.tick(catalogue, {0: 6}, {0: LAST})
    keeping.see_through(catalogue)
    assert keeping.offsets() == {"0": 5}


def test_what_a_child_has_written_can_be_restored(tmp_path: Path) -> None:
    keeping, catalogue = Keeping(tmp_path), catalogue_of(3)
    keeping.write(catalogue, offset=5)
    after = catalogue_of(0)
    assert Keeping(tmp_path).restore(after) == {0: 5}
    assert after.matching({}) == {"0", "1", "2"}


def test_a_failing_write_is_logged_keeps_the_former_and_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def disk_full() -> None:
        raise OSError("no space left")

    keeping = Keeping(tmp_path)
    keeping.write(catalogue_of(3), offset=5)
    age = keeping.age()
    keeping.write(catalogue_of(4, Meddled(DIM, meddle=disk_full)), offset=6)
    assert keeping.offsets() == {"0": 5}
    assert "no space left" in caplog.text
    assert keeping.failures() == 1
    assert keeping.age() == pytest.approx((age or 0.0) + EVERY + 1)
    keeping.now += EVERY + 1
    keeping.snapshots.tick(catalogue_of(4), {0: 6}, {0: LAST})  # nothing has changed since
    keeping.see_through(catalogue_of(4))
    assert keeping.offsets() == {"0": 6}


def test_only_one_child_is_at_work_at_a_time(tmp_path: Path) -> None:
    def linger() -> None:
        time.sleep(0.2)

    keeping, catalogue = Keeping(tmp_path), catalogue_of(3, Meddled(DIM, meddle=linger))
    keeping.snapshots.note_change()
    keeping.now += EVERY + 1
    keeping.snapshots.tick(catalogue, {0: 5}, {0: LAST})
    child = keeping.snapshots._writer._child
    keeping.snapshots.note_change()
    keeping.now += EVERY + 1
    keeping.snapshots.tick(catalogue, {0: 6}, {0: LAST})
    assert keeping.snapshots._writer._child is child
    keeping.snapshots._writer.close()


# -- the age


def test_the_age_is_minus_one_before_the_first_snapshot(tmp_path: Path) -> None:
    assert Keeping(tmp_path).age() == -1


def test_the_age_is_that_of_the_state_in_the_newest_snapshot(tmp_path: Path) -> None:
    keeping, catalogue = Keeping(tmp_path), catalogue_of(3)
    keeping.write(catalogue, offset=5)
    keeping.now += 12
    assert keeping.age() == 12


def test_what_nobody_changes_is_written_again_before_it_is_too_old(tmp_path: Path) -> None:
    keeping, catalogue = Keeping(tmp_path), catalogue_of(3)
    keeping.write(catalogue, offset=5)
    keeping.now += MAX_AGE / 2
    keeping.snapshots.tick(catalogue, {0: 5}, {0: LAST})
    keeping.see_through(catalogue)
    assert keeping.age() == 0


# -- the end


def test_at_the_end_what_has_changed_is_written(tmp_path: Path) -> None:
    keeping, catalogue = Keeping(tmp_path), catalogue_of(3)
    keeping.snapshots.note_change()
    keeping.snapshots.finish(catalogue, {0: 8}, {0: LAST})
    assert keeping.offsets() == {"0": 8}


def test_at_the_end_nothing_is_written_again_that_is_there(tmp_path: Path) -> None:
    keeping, catalogue = Keeping(tmp_path), catalogue_of(3)
    keeping.write(catalogue, offset=5)
    keeping.snapshots.finish(catalogue, {0: 8}, {0: LAST})
    assert keeping.offsets() == {"0": 5}


def test_at_the_end_a_full_disk_is_logged_and_the_former_snapshot_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def disk_full() -> None:
        raise OSError("no space left")

    keeping = Keeping(tmp_path)
    keeping.write(catalogue_of(3), offset=5)
    keeping.snapshots.note_change()
    keeping.snapshots.finish(catalogue_of(4, Meddled(DIM, meddle=disk_full)), {0: 8}, {0: LAST})
    assert keeping.offsets() == {"0": 5}
    assert "the former one stays: no space left" in caplog.text
    assert keeping.failures() == 1


def test_at_the_end_the_work_of_a_child_that_is_cut_short_is_done(tmp_path: Path) -> None:
    def linger() -> None:
        time.sleep(0.5)

    keeping = Keeping(tmp_path)
    keeping.write(catalogue_of(3), offset=5)
    keeping.snapshots.note_change()
    keeping.now += EVERY + 1
    keeping.snapshots.tick(catalogue_of(4, Meddled(DIM, meddle=linger)), {0: 6}, {0: LAST})
    keeping.snapshots.finish(catalogue_of(4), {0: 6}, {0: LAST})
    assert keeping.offsets() == {"0": 6}
