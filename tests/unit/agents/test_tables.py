"""State is written once per key and interval, after all that it caused, or not at all."""

from typing import Any

import faust
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.tables import Commits, FoldTable
from agents.testing import DictState, SmallOutbox
from streams.errors import DeliveryFailed


def refuse_to_encode(value: str) -> bytes:
    if value == "broken":
        raise ValueError(value)
    return value.encode()


def table_of(app: Any, name: str) -> FoldTable[str]:
    return FoldTable(
        app,
        name=name,
        changelog=f"shop.{name}",
        partitions=4,
        encode=refuse_to_encode,
        decode=bytes.decode,
    )


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return faust.App(
        "tables",
        broker="kafka://127.0.0.1:1",
        store="memory://",
        datadir=str(tmp_path_factory.mktemp("faust")),
        topic_disable_leader=True,
        web_enabled=False,
    )


@pytest.fixture
def table(app: Any) -> FoldTable[str]:
    return table_of(app, "profiles")


# -- one table


def test_what_was_put_can_be_peeked(table: FoldTable[str]) -> None:
    table.put("ann", "one", partition=0)
    table.put("ann", "two", partition=0)
    assert table.peek("ann") == "two"


def test_nothing_is_there_under_an_unknown_or_removed_key(table: FoldTable[str]) -> None:
    table.put("ann", "one", partition=0)
    table.put("ann", None, partition=0)
    assert (table.peek("ann"), table.peek("eve")) == (None, None)


def test_looking_for_a_key_makes_none(table: FoldTable[str]) -> None:
    table.peek("ann")
    assert list(table) == []
    assert table.take_dirty() == []


def test_removing_an_unknown_key_is_no_error_and_leaves_a_tombstone(table: FoldTable[str]) -> None:
    table.put("ann", None, partition=3)
    assert table.take_dirty() == [(3, b"ann", None)]


def test_many_changes_of_a_key_are_one_record_with_the_last_value(table: FoldTable[str]) -> None:
    for value in ("one", "two", "three"):
        table.put("ann", value, partition=1)
    table.put("eve", "one", partition=2)
    assert table.take_dirty() == [(1, b"ann", b"three"), (2, b"eve", b"one")]


def test_a_key_put_again_after_its_removal_is_there(table: FoldTable[str]) -> None:
    table.put("ann", "one", partition=1)
    table.put("ann", None, partition=1)
    table.put("ann", "two", partition=1)
    assert table.take_dirty() == [(1, b"ann", b"two")]


def test_what_was_taken_is_taken_once(table: FoldTable[str]) -> None:
    table.put("ann", "one", partition=1)
    table.take_dirty()
    assert table.take_dirty() == []
    assert table.peek("ann") == "one"


def test_keys_and_values_come_back_from_the_changelog(table: FoldTable[str]) -> None:
    table.put("ann ☂", "one", partition=1)
    ((_, key, value),) = table.take_dirty()
    assert (table._to_key(key), table._to_value(value)) == ("ann ☂", "one")
    assert table._to_value(None) is None


LAW = settings(max_examples=50, deadline=None, derandomize=True, database=None)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.one_of(st.none(), st.sampled_from(["one", "two"])), st.booleans()
    )
)


@LAW
@given(changes=CHANGES)
def test_a_table_is_what_a_dictionary_is_and_so_is_its_changelog(
    app: Any, changes: list[tuple[str, str | None, bool]]
) -> None:
    table, oracle = table_of(app, "profiles"), DictState[str]()
    changelog: dict[bytes, bytes | None] = {}
    for key, value, commit in changes:
        table.put(key, value, partition=0)
        oracle.put(key, value, partition=0)
        assert table.peek(key) == oracle.peek(key)
        if commit:
            changelog |= {key: value for _, key, value in table.take_dirty()}
    changelog |= {key: value for _, key, value in table.take_dirty()}
    kept = {k.decode(): v.decode() for k, v in changelog.items() if v is not None}
    assert kept == oracle.values
    assert sorted(table) == sorted(oracle.values)


# -- a commit


class Committing:
    """Two tables and an outbox."""

    def __init__(self, app: Any, **outbox: Any) -> None:
        self.diary: list[str] = []
        self.outbox = SmallOutbox(diary=self.diary, **outbox)
        self.commits = Commits(self.outbox, on_commit=lambda: self.diary.append("done"))
        self.profiles, self.trends = table_of(app, "profiles"), table_of(app, "trends")
        self.commits.tables = [self.profiles, self.trends]


async def test_outputs_are_settled_before_state_is_written_and_state_before_it_is_done(
    app: Any,
) -> None:
    working = Committing(app)
    await working.outbox.post("co-visits", key=b"dune", value=b"[]")
    working.profiles.put("ann", "one", partition=1)
    working.trends.put("dune", "two", partition=2)
    await working.commits.settle()
    assert working.diary == [
        "post co-visits",
        "settle",
        "post shop.profiles",
        "post shop.trends",
        "settle",
        "done",
    ]


async def test_state_goes_to_its_changelog_in_its_own_partition(app: Any) -> None:
    working = Committing(app)
    working.profiles.put("ann", "one", partition=3)
    working.profiles.put("eve", None, partition=2)
    await working.commits.settle()
    assert [(p.key, p.value, p.partition) for p in working.outbox.on("shop.profiles")] == [
        (b"ann", b"one", 3),
        (b"eve", None, 2),
    ]


async def test_what_was_written_is_not_written_again(app: Any) -> None:
    working = Committing(app)
    working.profiles.put("ann", "one", partition=1)
    await working.commits.settle()
    await working.commits.settle()
    assert len(working.outbox.posted) == 1


async def test_a_lost_output_raises_and_no_state_is_written_after_it(app: Any) -> None:
    working = Committing(app, losing=["co-visits"])
    await working.outbox.post("co-visits", key=b"dune", value=b"[]")
    working.profiles.put("ann", "one", partition=1)
    with pytest.raises(DeliveryFailed):
        await working.commits.settle()
    assert working.outbox.posted == []
    assert working.diary == ["post co-visits", "settle"]


@pytest.mark.parametrize("how", ["refusing", "losing"])
async def test_state_that_cannot_be_written_raises_and_nothing_is_written_after_it(
    app: Any, how: str
) -> None:
    working = Committing(app, **{how: ["shop.profiles"]})
    working.profiles.put("ann", "one", partition=1)
    working.trends.put("dune", "two", partition=2)
    with pytest.raises(DeliveryFailed):
        await working.commits.settle()
    assert working.outbox.posted == []
    assert "done" not in working.diary


async def test_state_that_cannot_be_encoded_keeps_the_commit_from_being_done(app: Any) -> None:
    working = Committing(app)
    working.profiles.put("ann", "broken", partition=1)
    with pytest.raises(ValueError, match="broken"):
        await working.commits.settle()
    assert "done" not in working.diary


async def test_a_commit_with_nothing_to_write_is_done_too(app: Any) -> None:
    working = Committing(app)
    await working.commits.settle()
    assert working.diary == ["settle", "settle", "done"]
