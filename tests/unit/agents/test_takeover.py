"""A rebuilt index takes the place of the one that serves, with what came since, or not at all."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.catalogue import Catalogue
from agents.drafts import open_draft
from agents.testing import SmallLog
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from indexes.items import HnswIndex
from indexes.misbehaving import Meddled
from streams.trends import Trend
from tests.support.laws import law
from tests.support.rebuilt import Serving, contents, draft_of, folded, log_of, value
from tests.support.takeovers import flip_a_bit, serving

PATIENCE = 60.0
"""Seconds for a child to write a few bytes, on a machine that is busy elsewhere."""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "item-vectors"


# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


async def test_a_rebuilt_index_is_swapped_in_and_the_worker_says_so(own: Path) -> None:
    worker = await serving(own, "sand", "tea")
    former = worker.catalogue.index
    digest = await worker.offer()
    await worker.tick()
    assert worker.catalogue.index is not former
    assert contents(worker.catalogue) == {"sand": "sand", "tea": "tea"}
    answer = worker.answer(digest)
    assert answer is not None
    assert answer.taken
    assert (answer.items_before, answer.items, answer.generation) == (2, 2, 2)
    await worker.stop()


async def test_the_gauges_tell_of_it(own: Path) -> None:
    worker = await serving(own, "sand", "tea")
    await worker.offer()
    await worker.tick()
    await worker.offer()
    await worker.tick()
    assert worker.count("headwater_index_generation") == 3
    assert worker.count("headwater_index_items") == 2
    assert (worker.count("headwater_index_rebuild_seconds") or 0.0) > 0
    assert worker.count("headwater_index_rebuild_failures") == 0
    await worker.stop()


async def test_what_was_wrong_in_the_index_that_served_is_right_afterwards(own: Path) -> None:
    worker = await serving(own, "sand", "tea", "sea")
    worker.catalogue.index.discard("sand")  # lost
    worker.catalogue.discard("sand")
    worker.catalogue.index.upsert("ghost", worker.catalogue.vector("tea"))  # of no log
    known = worker.catalogue.known("tea")
    assert known is not None
    worker.catalogue.recall("ghost", known)
    worker.catalogue.index.upsert("sea", worker.catalogue.vector("tea"))  # another's
    await worker.offer()
    await worker.tick()
    assert contents(worker.catalogue) == folded(worker.log.records)
    await worker.stop()


async def test_what_came_since_the_log_was_read_is_in_it(own: Path) -> None:
    worker = await serving(own, "sand", "tea")
    draft = await draft_of(worker.log.records)
    worker.log.append(b"sea", value("sea"))
    worker.log.append(b"tea", None)
    worker.log.append(b"sand", value("spice"), partition=1)
    await worker.follow()
    await worker.offer(draft)
    await worker.tick()
    assert contents(worker.catalogue) == {"sea": "sea", "sand": "spice"}
    await worker.stop()


class Held(SmallLog):
    """Starts when the gate is opened."""

    def __init__(self, topic: str, *, partitions: int) -> None:
        super().__init__(topic, partitions=partitions)
        self.gate = asyncio.Event()

    async def start(
        self, offsets: Mapping[int, int] | None = None, *, at_end: bool = False
    ) -> None:
        await self.gate.wait()
        await super().start(offsets, at_end=at_end)


async def test_while_the_new_one_is_prepared_the_old_one_serves_and_takes_what_comes(
    own: Path,
) -> None:
    worker = await serving(own, "sand")
    held = Held("item-vectors", partitions=2)
    held.records = worker.log.records
    worker.new_reader = lambda: held
    await worker.offer()
    former = worker.catalogue.index
    await worker.replica.tick()
    worker.log.append(b"sea", value("sea"))
    await worker.follow()
    await worker.replica.tick()
    assert worker.catalogue.index is former
    assert contents(worker.catalogue) == {"sand": "sand", "sea": "sea"}
    held.gate.set()
    await worker.tick()
    assert worker.catalogue.index is not former
    assert contents(worker.catalogue) == {"sand": "sand", "sea": "sea"}
    await worker.stop()


async def test_trends_stay_and_still_decide_who_is_popular(own: Path) -> None:
    worker = await serving(own, "sand", "tea", "sea")
    draft = await draft_of(worker.log.records)
    worker.catalogue.follow("tea", Trend(popularity=9.0))
    worker.catalogue.discard("tea")  # its facts are recalled by the swap
    await worker.offer(draft)
    await worker.tick()
    assert worker.catalogue.trend("tea") == Trend(popularity=9.0)
    assert worker.catalogue.popular(1) == ["tea"]
    await worker.stop()


async def test_nothing_is_swapped_before_the_worker_has_caught_up(own: Path) -> None:
    worker = await serving(own, "sand")
    worker.replica.ready.clear()
    former = worker.catalogue.index
    await worker.offer()
    await worker.tick()
    assert worker.catalogue.index is former
    worker.replica.ready.set()
    await worker.tick()
    assert worker.catalogue.index is not former
    await worker.stop()


async def test_when_a_newer_one_is_there_the_older_is_left(own: Path) -> None:
    worker = await serving(own, "sand")
    worker.replica.ready.clear()
    first = await worker.offer()
    await worker.tick()
    second = await worker.offer()
    worker.replica.ready.set()
    await worker.tick()
    assert worker.answer(first) is None
    await worker.tick()
    answer = worker.answer(second)
    assert answer is not None
    assert answer.taken
    await worker.stop()


async def test_nothing_is_swapped_while_a_child_writes_the_snapshot_that_it_replaces(
    own: Path,
) -> None:
    index = ExactIndex(DIM)
    index.frozen = Meddled(DIM, meddle=lambda: time.sleep(0.3)).frozen  # type: ignore[method-assign]
    worker = Serving(own, index=index, every=0.0)
    worker.log.append(b"sand", value("sand"))
    await worker.start()
    await worker.replica.tick()
    assert worker.snapshots.busy
    await worker.offer()
    async with asyncio.timeout(PATIENCE):
        while worker.catalogue.index.stats().generation == 1:
            writing = worker.snapshots.busy
            await worker.replica.tick()
            await asyncio.sleep(0.002)
    assert not writing
    await worker.stop()


# -- what is left on the disk


async def test_afterwards_the_rebuilt_snapshot_is_the_workers_own(own: Path) -> None:
    worker = await serving(own, "sand")
    digest = await worker.offer()
    await worker.tick()
    names = sorted(path.name for path in own.parent.iterdir())
    assert names == ["item-vectors", "item-vectors.answer", "item-vectors.worker"]
    assert digest in (own / "current").read_text()
    worker.takeover._handover.leave()  # it is killed here: no `stop`

    after = Serving(own, records=worker.log.records)
    await after.start()
    assert contents(after.catalogue) == {"sand": "sand"}
    await after.stop()


async def test_a_later_snapshot_keeps_the_generation(own: Path) -> None:
    worker = await serving(own, "sand", index=lambda: HnswIndex(DIM))
    await worker.offer(await draft_of(worker.log.records, kind="hnsw"))
    await worker.tick()
    await worker.stop()
    after = Serving(own, records=worker.log.records, index=HnswIndex(DIM))
    await after.start()
    stats = after.catalogue.index.stats()
    assert stats.generation == 2
    assert stats.rebuild_seconds > 0
    await after.stop()


async def test_the_next_snapshot_is_of_the_new_index_though_nothing_has_come(own: Path) -> None:
    worker = Serving(own, every=0.0)
    worker.log.append(b"sand", value("sand"))
    await worker.start()

    async def written() -> None:
        async with asyncio.timeout(PATIENCE):
            await worker.replica.tick()
            while worker.snapshots.busy:
                await worker.replica.tick()
                await asyncio.sleep(0.002)

    await written()
    await worker.offer()
    async with asyncio.timeout(PATIENCE):
        while worker.catalogue.index.stats().generation == 1:
            await worker.replica.tick()
            await asyncio.sleep(0.002)
    await written()
    kept = open_draft(
        own,
        like=ExactIndex(DIM),
        fingerprint=worker.replica.fingerprint,
        on_alarm=print,
        now=time.time(),
    )
    assert kept is not None
    assert kept.index.stats().generation == 2
    await worker.stop()


# -- at start


async def test_a_start_prefers_the_rebuilt_one_and_goes_on_where_it_ends(own: Path) -> None:
    before = await serving(own, "sand")
    await before.stop()
    before.log.append(b"tea", value("tea"))
    digest = await before.offer()
    before.log.append(b"sea", value("sea"))

    worker = Serving(own, records=before.log.records)
    assert await worker.replica.restore() == {0: 1, 1: 0}
    assert contents(worker.catalogue) == {"sand": "sand", "tea": "tea"}
    answer = worker.answer(digest)
    assert answer is not None
    assert answer.taken
    assert not worker.command.folder.exists()
    await worker.takeover.close()


async def test_a_start_with_a_rebuilt_one_that_is_damaged_takes_the_snapshot(
    own: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = await serving(own, "sand")
    await before.stop()
    await before.offer()
    flip_a_bit(before.command.folder)
    worker = Serving(own, records=before.log.records)
    assert await worker.replica.restore() == {0: 0, 1: 0}
    assert contents(worker.catalogue) == {"sand": "sand"}
    assert "rebuilt index thrown away" in caplog.text
    assert not worker.command.folder.exists()
    await worker.takeover.close()


async def test_an_end_while_one_is_prepared_leaves_it_to_the_next_start(own: Path) -> None:
    worker = await serving(own, "sand")
    worker.new_reader = lambda: Held("item-vectors", partitions=2)
    await worker.offer()
    await worker.replica.tick()
    await asyncio.sleep(0.05)
    await worker.stop()
    assert worker.command.waiting() is not None
    after = Serving(own, records=worker.log.records)
    await after.start()
    assert after.catalogue.index.stats().generation == 2
    await after.stop()


def block_renames(own: Path) -> None:
    own.mkdir()
    own.with_name("item-vectors.former").touch()  # a file where a folder is to be


async def test_a_state_folder_that_takes_no_renames_keeps_nobody_from_the_new_index(
    own: Path, caplog: pytest.LogCaptureFixture
) -> None:
    worker = await serving(own, "sand")
    block_renames(own)
    former = worker.catalogue.index
    digest = await worker.offer()
    await worker.tick()
    assert worker.catalogue.index is not former
    answer = worker.answer(digest)
    assert answer is not None
    assert answer.taken
    assert "rebuilt index: the state folder cannot be written to" in caplog.text
    taken = worker.catalogue.index
    await worker.tick()
    assert worker.catalogue.index is taken  # and not once more, though it still lies there
    await worker.stop()


# -- the law

ITEMS = st.sampled_from(["dune", "emma", "moby", "sand", "tea"])

CONTENT = st.one_of(st.none(), st.just("broken"), st.sampled_from(["a", "b", "c", "d"]))

HAPPENS = st.one_of(
    st.tuples(st.just("record"), ITEMS, CONTENT),
    st.tuples(
        st.sampled_from(["follow", "read the log", "offer", "tick", "offer and prepare"]),
        st.just(""),
        st.none(),
    ),
)


def put(log: SmallLog, item_id: str, content: str | None) -> None:
    made = b"noise" if content == "broken" else None if content is None else value(content)
    log.append(item_id.encode(), made, partition=len(item_id) % 2)


@pytest.mark.parametrize("kind", ["exact", "hnsw"])
@law(60)
@given(history=st.lists(HAPPENS, min_size=20, max_size=40))
def test_whatever_comes_meanwhile_the_catalogue_is_what_the_log_says(
    kind: str, history: list[tuple[str, str, str | None]]
) -> None:
    async def main(own: Path) -> None:
        worker = Serving(own, index=HnswIndex(DIM) if kind == "hnsw" else None)
        put(worker.log, "first", "a")  # or there would be nothing to build
        await worker.start()
        draft = await draft_of(worker.log.records, kind=kind)
        for what, item_id, content in history:
            match what:
                case "record":
                    put(worker.log, item_id, content)
                case "follow":
                    await worker.follow()
                case "read the log":
                    draft = await draft_of(worker.log.records, kind=kind)
                case "offer":
                    await worker.offer(draft)
                case "tick":
                    await worker.replica.tick()
                case "offer and prepare":
                    await worker.offer(draft)
                    await worker.replica.tick()
                    await worker.prepare()
            assert "first" in contents(worker.catalogue)
        for _ in range(3):
            await worker.tick()
        assert worker.command.waiting() is None
        await worker.follow()
        assert contents(worker.catalogue) == folded(worker.log.records)
        assert worker.takeover.failures == 0
        await worker.stop()

    with TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder) / "item-vectors"))


def test_facts_that_agree_are_not_touched() -> None:
    async def main() -> None:
        log = log_of()
        for text in ("sand", "tea"):
            log.append(text.encode(), value(text))
        draft = await draft_of(log.records)
        catalogue = Catalogue(ExactIndex(DIM), half_life=1.0)
        assert sorted(catalogue.differing(draft.known)) == ["sand", "tea"]
        catalogue.swap(draft.index, draft.known, among=draft.known)
        assert catalogue.differing(draft.known) == []
        assert sorted(catalogue.differing({})) == ["sand", "tea"]

    asyncio.run(main())
