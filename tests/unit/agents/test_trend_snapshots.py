"""Trends come back from the disk as they were, or not at all and with the reason named."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

import agents.trend_snapshots as snapshots
from agents.aging import MAX_AGE
from agents.catalogue import Catalogue
from agents.metrics import Metrics
from agents.stretches import Last
from agents.trend_snapshots import KeptTrends, Ours, load, write
from agents.trend_snapshotting import REST, TrendSnapshotting
from indexes.exact import ExactIndex
from streams.errors import LocalStateUnusable, SnapshotCorrupt
from streams.predecessors import Predecessors
from streams.trends import Trend

# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

HALF_LIFE = 1000.0
OURS = Ours("shop.item-trends", HALF_LIFE)
NOW = 5_000.0
EVERY = 30.0


def catalogue_of(*item_ids: str) -> Catalogue:
    catalogue = Catalogue(ExactIndex(4), half_life=HALF_LIFE)
    for number, item_id in enumerate(item_ids):
        before = Predecessors(("dune", "emma"), (number, 1), (9_000, 5), (7, 20_000))
        days = {3: number}
        trend = Trend(popularity=2.0, surge=1.5, at=7.0, days=days, predecessors=before)
        catalogue.follow(item_id, trend)
    return catalogue


def keep(folder: Path, *, ours: Ours = OURS, now: float = NOW) -> None:
    trends = catalogue_of("moby", "emma").trends
    write(folder, trends, lasts={0: Last(7, 99), 3: Last(9, 1)}, ours=ours, now=now)


def alter(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    (path,) = folder.glob(f"version-*/{name}")
    path.write_bytes(change(path.read_bytes()))


def flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def test_the_offsets_and_trends_come_back(tmp_path: Path) -> None:
    keep(tmp_path)
    found = load(tmp_path, ours=OURS, now=NOW)
    assert found is not None
    assert found.lasts == {0: Last(7, 99), 3: Last(9, 1)}
    assert dict(found.kept.trends) == dict(catalogue_of("moby", "emma").trends().trends)


def test_where_there_is_none_there_is_none(tmp_path: Path) -> None:
    assert load(tmp_path / "none", ours=OURS, now=NOW) is None


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    keep(tmp_path / "a" / "b")
    for path in (tmp_path / "a", tmp_path / "a" / "b", *(tmp_path / "a/b").glob("version-*")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "name", ["ids.json", "values.npy", "slots.npy", "standing.npy", "trends.bin", "manifest.json"]
)
@pytest.mark.parametrize("change", [flipped, lambda content: content[:-3], lambda _: b""])
def test_an_altered_or_cut_file_is_named(
    tmp_path: Path, name: str, change: Callable[[bytes], bytes]
) -> None:
    keep(tmp_path)
    alter(tmp_path, name, change)
    with pytest.raises(SnapshotCorrupt, match=name):
        load(tmp_path, ours=OURS, now=NOW)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    keep(tmp_path)
    next(tmp_path.glob("version-*/places.npy")).unlink()
    with pytest.raises(SnapshotCorrupt, match="places"):
        load(tmp_path, ours=OURS, now=NOW)


def test_another_format_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "FORMAT", 99)
    keep(tmp_path)
    monkeypatch.undo()
    with pytest.raises(SnapshotCorrupt, match="format 99, expected 1"):
        load(tmp_path, ours=OURS, now=NOW)


@pytest.mark.parametrize(
    ("ours", "says"),
    [
        (Ours("other.item-trends", HALF_LIFE), "topic 'other.item-trends', expected 'shop"),
        (Ours("shop.item-trends", 7.0), "half_life 7.0, expected 1000.0"),
    ],
)
def test_one_of_another_topic_or_half_life_is_named(tmp_path: Path, ours: Ours, says: str) -> None:
    keep(tmp_path, ours=ours)
    with pytest.raises(LocalStateUnusable, match=says):
        load(tmp_path, ours=OURS, now=NOW)


@pytest.mark.parametrize("constant", ["WIDTH", "VERSION"])
def test_one_of_another_layout_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, constant: str
) -> None:
    monkeypatch.setattr(snapshots, constant, 77)
    keep(tmp_path)
    monkeypatch.undo()
    with pytest.raises(LocalStateUnusable, match="77, expected"):
        load(tmp_path, ours=OURS, now=NOW)


@pytest.mark.parametrize("later", [MAX_AGE + 1, -MAX_AGE - 1])
def test_one_that_is_too_old_is_not_used(tmp_path: Path, later: float) -> None:
    """The log has forgotten by then which trends were removed."""
    keep(tmp_path)
    with pytest.raises(LocalStateUnusable, match="h old"):
        load(tmp_path, ours=OURS, now=NOW + later)


def test_a_full_disk_leaves_the_former_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path)

    def fill_up(path: Path, content: bytes) -> None:
        path.write_bytes(content[:1])
        raise OSError("no space left")

    monkeypatch.setattr(snapshots, "write_bytes", fill_up)
    with pytest.raises(OSError, match="no space left"):
        write(tmp_path, catalogue_of("moby").trends, lasts={}, ours=OURS, now=NOW)
    found = load(tmp_path, ours=OURS, now=NOW)
    assert found is not None
    assert found.lasts == {0: Last(7, 99), 3: Last(9, 1)}
    assert len(list(tmp_path.glob("version-*"))) == 1


# -- when


class Spaced:
    """A `TrendSnapshotting` and its clock."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.metrics = Metrics()
        self.snapshots = TrendSnapshotting(
            folder, ours=OURS, every=EVERY, metrics=self.metrics, clock=lambda: self.now
        )

    def tick(self, last: int) -> None:
        self.snapshots.tick(catalogue_of("moby").trends, {0: Last(last, 0)})

    def see_through(self) -> None:
        while self.snapshots._spacing.busy:
            os.sched_yield()
            self.tick(-1)

    def last(self) -> int | None:
        found = self.snapshots.read()
        return None if found is None else found.lasts[0].offset

    def failures(self, reason: str) -> float | None:
        labels = {"topic": "item-trends", "reason": reason}
        return self.metrics.registry.get_sample_value(
            "headwater_local_state_failures_total", labels
        )


def test_changes_are_written_when_it_is_time(tmp_path: Path) -> None:
    spaced = Spaced(tmp_path)
    spaced.snapshots.note_change()
    spaced.tick(1)
    assert spaced.last() is None
    spaced.now += EVERY + 1
    spaced.tick(2)
    spaced.see_through()
    assert spaced.last() == 2


def test_one_that_took_long_is_followed_by_a_long_rest(tmp_path: Path) -> None:
    spaced = Spaced(tmp_path)
    spaced.snapshots.note_change()
    spaced.now += EVERY + 1
    spaced.tick(1)
    spaced.snapshots._spacing._writer._child.started -= 2.0  # type: ignore[union-attr]
    spaced.see_through()
    spaced.snapshots.note_change()
    spaced.now += 2.0 * REST - 1
    spaced.tick(2)
    assert not spaced.snapshots._spacing.busy
    spaced.now += 60.0 * REST  # the child has taken some time of its own as well
    spaced.tick(3)
    spaced.see_through()
    assert spaced.last() == 3


def test_one_that_is_up_to_date_is_written_again_before_it_is_too_old(tmp_path: Path) -> None:
    spaced = Spaced(tmp_path)
    spaced.now += MAX_AGE / 2
    spaced.tick(4)
    spaced.see_through()
    assert spaced.last() == 4


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: alter(folder, "values.npy", flipped), "snapshot_corrupt"),
        (lambda folder: keep(folder, now=NOW - 2 * MAX_AGE), "too_old"),
        (lambda folder: keep(folder, ours=Ours("other", HALF_LIFE)), "other_layout"),
    ],
)
def test_what_cannot_be_used_is_logged_and_counted(
    tmp_path: Path,
    spoil: Callable[[Path], None],
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keep(tmp_path)
    spoil(tmp_path)
    spaced = Spaced(tmp_path)
    assert spaced.snapshots.read() is None
    assert spaced.failures(reason) == 1
    assert "snapshot unusable, reading the log from its start instead" in caplog.text


def test_at_the_end_a_full_disk_is_logged_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def full() -> KeptTrends:
        raise OSError("no space left")

    spaced = Spaced(tmp_path)
    spaced.snapshots.finish(full, {})
    assert spaced.failures("not_written") == 1
    assert "snapshot not written, the former one stays: no space left" in caplog.text
