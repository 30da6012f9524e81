"""A worker that starts from a snapshot of the trends knows what one knows that read the log."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from agents.catalogue import Catalogue
from agents.metrics import Metrics
from agents.proof import Proof, last_of
from agents.testing import SmallLog
from agents.trend_replica import PAUSE, REST, SLICE, TrendReplica
from agents.trend_snapshots import Ours
from agents.trend_snapshotting import TrendSnapshotting
from agents.waiting import MANY
from indexes.exact import ExactIndex
from streams.kafka import Record
from streams.predecessors import Predecessors
from streams.trends import Trend, encode_trend
from tests.support.laws import law

# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

PATIENCE = 5.0
HALF_LIFE = 1000.0
IDS = [f"item-{n}" for n in range(7)]
LAW = law(
    15,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Following:
    """A `TrendReplica` on a log, and what it knows."""

    def __init__(self, folder: Path, log: SmallLog | None = None) -> None:
        self.log = SmallLog("item-trends", partitions=2)
        if log is not None:
            self.log.records = [*log.records]
        self.unfolded, self.now = 0, 0.0
        self.metrics = Metrics()
        self.catalogue = Catalogue(ExactIndex(4), half_life=HALF_LIFE)
        self.replica = TrendReplica(
            self.log,
            self.metrics,
            catalogue=self.catalogue,
            snapshots=TrendSnapshotting(
                folder,
                ours=Ours("item-trends", HALF_LIFE),
                every=3600.0,
                metrics=self.metrics,
            ),
            unfolded=lambda: self.unfolded,
            clock=lambda: self.now,
        )
        self.begins: list[dict[int, int]] = []

    def say(self, item_id: str, value: bytes | None) -> None:
        self.log.append(item_id.encode(), value, partition=len(item_id) % 2)

    async def live(self) -> None:
        """Start, catch up, read all there is, and stop."""
        start = self.log.start

        async def note(*args: object, **kwargs: object) -> None:
            await start(*args, **kwargs)  # type: ignore[arg-type]
            self.begins.append(dict(self.log.positions))

        self.log.start = note  # type: ignore[method-assign]
        await self.replica.start()
        async with asyncio.timeout(PATIENCE):
            await self.replica.ready.wait()
        await self.replica.stop()

    def failures(self, reason: str) -> float | None:
        labels = {"topic": "item-trends", "reason": reason}
        return self.metrics.registry.get_sample_value(
            "headwater_local_state_failures_total", labels
        )


def trend_of(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    ids = tuple(rng.permutation(IDS)[: seed % 6].tolist())
    columns = [tuple(rng.integers(1, 90_000, len(ids)).tolist()) for _ in range(3)]
    trend = Trend(
        popularity=float(seed),
        surge=seed / 3,
        at=float(rng.integers(0, 900)),
        interactions=seed,
        supporters=seed,
        days={seed: 2},
        applied={0: seed},
        predecessors=Predecessors(ids, *columns),
    )
    return encode_trend(trend)


def knowledge(catalogue: Catalogue) -> object:
    """All that trends have left in a catalogue; what no trend names has no say in it."""
    crowd = catalogue.crowd
    slots = {
        item_id: [
            (crowd.ids[other], place, values)
            for other, place, values in zip(
                crowd.pairs([item_id]).row.tolist(),
                crowd.pairs([item_id]).after.tolist(),
                crowd.pairs([item_id]).values.tolist(),
                strict=True,
            )
        ]
        for item_id in IDS
    }
    rows = [crowd._rows.get(item_id) for item_id in IDS]
    columns = [
        [untouched if row is None else column[row].item() for row in rows]
        for column, untouched in (
            (crowd.visits, 0.0),
            (crowd.people, 0),
            (crowd.standing, -np.inf),
            (crowd.surge, -np.inf),
        )
    ]
    return slots, columns, catalogue._trends, catalogue._standings


HISTORIES = st.lists(
    st.tuples(st.sampled_from(IDS), st.integers(0, 30), st.booleans()), max_size=25
)


@LAW
@given(history=HISTORIES, later=HISTORIES)
async def test_what_is_known_after_a_restart_is_what_was_known_before_and_what_came_since(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[tuple[str, int, bool]],
    later: list[tuple[str, int, bool]],
) -> None:
    """Down to the order in which pairs stand, so that slates are the same to the last digit."""
    folder = tmp_path_factory.mktemp("trends")
    first = Following(folder)
    for item_id, seed, gone in history:
        first.say(item_id, None if gone else trend_of(seed))
    await first.live()
    second = Following(folder, first.log)
    await second.live()
    assert knowledge(second.catalogue) == knowledge(first.catalogue)
    third = Following(folder, first.log)
    for item_id, seed, gone in later:
        third.say(item_id, None if gone else trend_of(seed))
    await third.live()
    oracle = Following(folder / "none", third.log)
    await oracle.live()
    assert sorted_knowledge(third.catalogue) == sorted_knowledge(oracle.catalogue)


def sorted_knowledge(catalogue: Catalogue) -> object:
    """The same, apart from the order in which pairs stand: that is of no meaning."""
    slots, *rest = knowledge(catalogue)  # type: ignore[misc]
    return {item_id: sorted(pairs) for item_id, pairs in slots.items()}, rest


async def begun(folder: Path) -> Following:
    """A worker that has read five trends, and ended."""
    first = Following(folder)
    for number, item_id in enumerate(("dune", "emma", "moby", "ann", "moby-2")):
        first.say(item_id, trend_of(number))
    await first.live()
    return first


async def test_of_the_log_before_the_snapshot_only_the_last_records_are_read(
    tmp_path: Path,
) -> None:
    first = await begun(tmp_path)
    second = Following(tmp_path, first.log)
    await second.live()
    ends = first.log.positions
    assert second.begins == [{p: end - 1 for p, end in ends.items()}]


async def test_a_snapshot_of_another_log_is_named_and_the_log_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One that was made anew since and is longer by now."""
    await begun(tmp_path)
    second = Following(tmp_path)
    for number in range(9):
        for item_id in ("odd", "even"):
            second.say(item_id, trend_of(number))
    await second.live()
    assert set(second.catalogue._trends) == {"odd", "even"}
    assert second.catalogue.trend("dune") == Trend()
    assert second.failures("other_log") == 1
    assert "does not have the records that it ends with" in caplog.text
    third = Following(tmp_path, second.log)
    await third.live()
    assert third.failures("other_log") is None
    assert knowledge(third.catalogue) == knowledge(second.catalogue)


async def test_a_snapshot_of_a_longer_log_is_named_and_the_log_is_read(tmp_path: Path) -> None:
    await begun(tmp_path)
    second = Following(tmp_path)
    second.say("odd", trend_of(3))
    await second.live()
    assert set(second.catalogue._trends) == {"odd"}
    assert second.failures("other_log") == 1


async def test_a_snapshot_whose_last_record_was_replaced_is_not_used(tmp_path: Path) -> None:
    """Nobody can tell then whether it is of this log."""
    first = await begun(tmp_path)
    second = Following(tmp_path, first.log)
    last = second.log.records[-1]
    second.log.records[-1] = last._replace(value=trend_of(29))
    await second.live()
    assert second.failures("other_log") == 1
    assert second.catalogue.trend("moby-2").popularity == 29.0


def cut(folder: Path, name: str) -> None:
    (path,) = folder.glob(f"version-*/{name}")
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("name", ["values.npy", "trends.bin", "ids.json", "manifest.json"])
async def test_a_damaged_snapshot_costs_the_reading_of_the_log_and_nothing_else(
    tmp_path: Path, name: str
) -> None:
    first = await begun(tmp_path)
    cut(tmp_path, name)
    second = Following(tmp_path, first.log)
    await second.live()
    assert sorted_knowledge(second.catalogue) == sorted_knowledge(first.catalogue)
    assert second.begins == [{0: 0, 1: 0}]
    assert second.failures("snapshot_corrupt") == 1


async def test_one_that_stops_before_it_has_caught_up_leaves_the_snapshot_as_it_was(
    tmp_path: Path,
) -> None:
    first = await begun(tmp_path)
    second = Following(tmp_path, first.log)
    await second.replica.start()
    await second.replica.stop()
    third = Following(tmp_path, first.log)
    await third.live()
    assert knowledge(third.catalogue) == knowledge(first.catalogue)


async def test_of_a_newest_trend_that_cannot_be_read_the_one_in_the_snapshot_stays(
    tmp_path: Path,
) -> None:
    first = await begun(tmp_path)
    second = Following(tmp_path, first.log)
    second.say("dune", b"{")
    second.say("emma", trend_of(17))
    await second.live()
    assert second.catalogue.trend("dune") == first.catalogue.trend("dune")
    assert second.catalogue.trend("emma").popularity == 17.0


# -- while many events wait


async def behind(folder: Path) -> Following:
    """A worker that knows one trend, has many events to fold, and has read three trends more."""
    made = Following(folder)
    made.say("dune", trend_of(3))
    await made.replica.start()
    async with asyncio.timeout(PATIENCE):
        await made.replica.ready.wait()
        made.unfolded = MANY + 1
        made.say("dune", trend_of(4))
        made.say("dune", trend_of(5))
        made.say("emma", trend_of(6))
        while made.log.behind or made.replica.position() == made.log.positions:
            await asyncio.sleep(0.01)
    return made


async def test_trends_are_followed_every_ten_seconds_and_the_newest_only(tmp_path: Path) -> None:
    made = await behind(tmp_path)
    assert made.catalogue.trend("dune").popularity == 3.0
    assert made.replica.applied == {0: 1, 1: 0}
    made.now += PAUSE
    async with asyncio.timeout(PATIENCE):
        while made.replica.applied != made.log.positions:
            await asyncio.sleep(0.01)
    assert made.catalogue.trend("dune").popularity == 5.0
    await made.replica.stop()


@pytest.mark.parametrize("many", [True, False], ids=["many wait", "few wait"])
async def test_behind_each_slice_it_rests_nine_times_as_long_while_many_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    made = await behind(tmp_path)
    follow, rests, ahead = made.catalogue.follow, list[float](), list[int]()

    def slowly(item_id: str, trend: Trend | None) -> None:
        made.now += SLICE
        follow(item_id, trend)

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        ahead.append(made.replica.ahead)

    made.catalogue.follow = slowly  # type: ignore[method-assign]
    made.unfolded = MANY + many
    monkeypatch.setattr(asyncio, "sleep", rest)
    await made.replica._follow_waiting()
    monkeypatch.undo()
    assert rests == pytest.approx([REST * SLICE * many] * 2)  # two items
    assert (ahead, made.replica.ahead) == ([1, 2], 0)
    await made.replica.stop()


async def test_as_soon_as_few_wait_they_are_followed(tmp_path: Path) -> None:
    made = await behind(tmp_path)
    made.unfolded = MANY
    async with asyncio.timeout(PATIENCE):
        while made.catalogue.trend("dune").popularity != 5.0:
            await asyncio.sleep(0.01)
    await made.replica.stop()


async def test_who_ends_meanwhile_leaves_a_snapshot_with_all_that_was_read(tmp_path: Path) -> None:
    made = await behind(tmp_path)
    await made.replica.stop()
    second = Following(tmp_path, made.log)
    await second.live()
    assert second.begins == [{0: 3, 1: 0}]  # the last record alone is read again
    assert second.catalogue.trend("dune").popularity == 5.0


# -- the proof


def record(offset: int, value: bytes = b"{}", *, partition: int = 0) -> Record:
    return Record("item-trends", partition, offset, b"dune", value, 0.0)


@pytest.mark.parametrize(
    ("read", "holds"),
    [
        ([record(7)], True),
        ([record(7), record(8, b"more")], True),
        ([], False),
        ([record(8)], False),
        ([record(7, b"other")], False),
        ([record(7, partition=1)], False),
    ],
)
def test_only_the_very_record_that_a_copy_ends_with_proves_it(
    read: list[Record], holds: bool
) -> None:
    proof = Proof({0: last_of(record(7))})
    for each in read:
        proof.see([each])
    assert proof.holds is holds


def test_every_partition_has_to_be_proven() -> None:
    proof = Proof({0: last_of(record(7)), 1: last_of(record(3, partition=1))})
    proof.see([record(7)])
    assert not proof.holds
    proof.see([record(3, partition=1)])
    assert proof.holds


def test_a_copy_of_nothing_needs_no_proof() -> None:
    assert Proof({}).holds
