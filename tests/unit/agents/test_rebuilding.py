"""A rebuilt index holds what the log says, and none is built that must not serve."""

import pytest

from agents.drafts import new_index
from agents.rebuilding import Newest, Step, build, read_newest
from indexes.embedding import DIM, fingerprint
from indexes.images import Snapshottable
from indexes.items import HnswIndex
from indexes.misbehaving import ConfusedGraph, Line
from indexes.parameters import HnswParameters
from streams.errors import IndexUnfit, SetupError
from tests.support.rebuilt import draft_of, log_of, value


def unheard(step: Step) -> None:
    pass


async def read(*records: tuple[str, bytes | None]) -> Newest:
    log = log_of()
    for key, content in records:
        log.append(key.encode(), content)
    return await read_newest(log, fingerprint=fingerprint(), on_step=unheard)


async def test_the_newest_record_of_each_item_counts_and_removed_ones_are_gone() -> None:
    newest = await read(
        ("dune", value("sand")),
        ("emma", value("tea")),
        ("dune", value("spice")),
        ("emma", None),
    )
    assert {i: r.facts.title for i, r in newest.vectors.items()} == {"dune": "spice"}
    assert (newest.records, newest.offsets) == (4, {0: 4, 1: 0})


def test_an_item_that_goes_after_it_was_read_is_gone() -> None:
    newest, log = Newest(), log_of()
    newest.take([log.append(b"dune", value("sand"))], fingerprint=fingerprint())
    newest.take([log.append(b"dune", None)], fingerprint=fingerprint())
    assert newest.vectors == {}


async def test_what_cannot_be_used_leaves_its_item_and_the_first_of_it_is_named() -> None:
    newest = await read(("dune", value("sand")), ("dune", b"noise"), ("emma", b"more"))
    assert [*newest.vectors] == ["dune"]
    assert newest.refused == 2
    assert newest.first_refused.startswith("item-vectors-0-1: 'dune': version")


async def test_what_was_read_is_not_written_out_by_whoever_names_it() -> None:
    newest = await read(*((str(n), value(str(n))) for n in range(60)))
    assert len(repr(newest)) < 200


async def test_a_log_without_items_is_named_with_what_to_do() -> None:
    with pytest.raises(SetupError, match=r"has no items.*headwater ingest items"):
        await read(("dune", value("sand")), ("dune", None))
    with pytest.raises(SetupError, match="1 were refused, the first: item-vectors-0-0: 'dune'"):
        await read(("dune", b"noise"))


async def test_the_steps_tell_how_much_is_read_and_built_and_of_how_much() -> None:
    log, steps = log_of(), list[Step]()
    for number in range(150):
        log.append(b"%d" % number, value(str(number)))
    newest = await read_newest(log, fingerprint=fingerprint(), on_step=steps.append)
    build(
        newest,
        fingerprint=fingerprint(),
        new_index=lambda items: new_index("exact", items=items, on_alarm=lambda _: None),
        on_step=steps.append,
    )
    assert [(s.what, s.done, s.total) for s in steps] == [
        ("reading item-vectors", 150, 150),
        ("building the index", 64, 150),
        ("building the index", 128, 150),
        ("building the index", 150, 150),
    ]


@pytest.mark.parametrize("kind", ["exact", "hnsw"])
async def test_what_is_built_is_searched_as_the_log_says(kind: str) -> None:
    log = log_of()
    for number in range(60):
        log.append(b"%d" % number, value(str(number)))
    draft = await draft_of(log.records, kind=kind)
    assert isinstance(draft.index, HnswIndex) == (kind == "hnsw")
    assert sorted(draft.index.item_ids()) == sorted(draft.known)
    assert draft.index.stats().tombstones == 0
    assert draft.offsets == {0: 60, 1: 0}
    assert draft.index.stats().rebuild_seconds > 0


async def test_unchanged_text_with_new_facts_leaves_no_dead_entry() -> None:
    log = log_of()
    log.append(b"dune", value("sand", title="Dune"))
    draft = await draft_of(log.records, kind="hnsw")
    draft.fold([log.append(b"dune", value("sand", title="Dune, second edition"))])
    assert draft.known["dune"].facts.title == "Dune, second edition"
    assert draft.index.stats().tombstones == 0
    draft.fold([log.append(b"dune", value("spice"))])
    assert draft.index.stats().tombstones == 1


async def test_the_figure_of_the_canary_is_told() -> None:
    newest = await read(*((str(n), value(str(n))) for n in range(60)))
    built = build(
        newest,
        fingerprint=fingerprint(),
        new_index=lambda items: HnswIndex(DIM, items=items),
        on_step=unheard,
    )
    assert built.recall is not None
    assert built.recall > 0.98


async def test_an_index_in_which_the_canary_finds_fault_is_not_handed_over() -> None:
    newest = await read(*((str(n), value(str(n))) for n in range(60)))
    line = Line(DIM, ConfusedGraph, parameters=HnswParameters())

    def confused(items: int) -> Snapshottable:
        return line.index

    with pytest.raises(IndexUnfit, match=r"not fit to serve, nothing was changed: .*similarities"):
        build(newest, fingerprint=fingerprint(), new_index=confused, on_step=unheard)


def test_an_index_for_many_items_has_room_for_them_at_once() -> None:
    index = HnswIndex(4, parameters=HnswParameters(capacity=8), items=40)
    index.upsert_many([(str(n), [1.0, n, 0.0, 0.0]) for n in range(40)])  # type: ignore[misc]
    assert index.stats().generation == 1
    assert index.stats().live == 40
