"""State is kept by key and partition, and every change of it is owed once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.shards import Shard
from agents.testing import DictState
from tests.support.committing import table_of
from tests.support.laws import law

# -- one shard


def test_what_was_put_can_be_peeked() -> None:
    shard: Shard[str] = Shard()
    shard.put("ann", "one")
    shard.put("ann", "two")
    assert shard.peek("ann") == "two"


def test_a_shard_begins_with_what_it_is_given_and_owes_nothing() -> None:
    shard = Shard({"ann": "one"})
    assert (shard.peek("ann"), len(shard), shard.take_dirty()) == ("one", 1, [])


def test_nothing_is_there_under_an_unknown_or_removed_key() -> None:
    shard = Shard({"ann": "one"})
    shard.put("ann", None)
    assert (shard.peek("ann"), shard.peek("eve"), len(shard)) == (None, None, 0)


def test_looking_for_a_key_makes_none() -> None:
    shard: Shard[str] = Shard()
    shard.peek("ann")
    assert (len(shard), shard.take_dirty()) == (0, [])


def test_removing_an_unknown_key_is_no_error_and_leaves_a_tombstone() -> None:
    shard: Shard[str] = Shard()
    shard.put("ann", None)
    assert shard.take_dirty() == [("ann", None)]


def test_many_changes_of_a_key_are_one_with_the_last_value() -> None:
    shard: Shard[str] = Shard()
    for value in ("one", "two", "three"):
        shard.put("ann", value)
    shard.put("eve", "one")
    assert shard.take_dirty() == [("ann", "three"), ("eve", "one")]


def test_a_key_put_again_after_its_removal_is_there() -> None:
    shard: Shard[str] = Shard()
    for value in ("one", None, "two"):
        shard.put("ann", value)
    assert shard.take_dirty() == [("ann", "two")]


def test_what_was_taken_is_taken_once() -> None:
    shard: Shard[str] = Shard()
    shard.put("ann", "one")
    shard.take_dirty()
    assert shard.take_dirty() == []
    assert shard.peek("ann") == "one"


LAW = law(50)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.one_of(st.none(), st.sampled_from(["one", "two"])), st.booleans()
    )
)


@LAW
@given(changes=CHANGES)
def test_a_shard_is_what_a_dictionary_is_and_so_is_a_replay_of_what_was_taken(
    changes: list[tuple[str, str | None, bool]],
) -> None:
    shard, oracle = Shard[str](), DictState[str]()
    replayed: dict[str, str | None] = {}
    for key, value, commit in changes:
        shard.put(key, value)
        oracle.shard(0).put(key, value)
        assert shard.peek(key) == oracle.shard(0).peek(key)
        if commit:
            replayed |= dict(shard.take_dirty())
    replayed |= dict(shard.take_dirty())
    assert {k: v for k, v in replayed.items() if v is not None} == oracle.values
    assert len(shard) == len(oracle.values)


# -- one table


def test_a_shard_of_a_partition_that_is_not_owned_cannot_be_had() -> None:
    with pytest.raises(KeyError):
        table_of("profiles", owning=(1,)).shard(0)


def test_a_key_is_looked_for_in_its_own_partition_only() -> None:
    table = table_of("profiles", owning=(0, 1))
    table.shard(0).put("ann", "one")
    assert (table.shard(0).peek("ann"), table.shard(1).peek("ann")) == ("one", None)


def test_a_table_has_the_keys_of_all_its_shards() -> None:
    table = table_of("profiles", owning=(0, 1))
    table.shard(0).put("ann", "one")
    table.shard(1).put("ann", "one")
    table.shard(1).put("eve", "one")
    assert len(table) == 3


def test_what_is_retained_stays_as_it_is_with_all_that_is_owed() -> None:
    table = table_of("profiles", owning=(0, 1))
    table.shard(1).put("ann", "one")
    table.retain({1, 2})
    assert set(table.shards) == {1}
    assert table.shard(1).take_dirty() == [("ann", "one")]


def test_what_is_given_comes_beside_what_there_was() -> None:
    table = table_of("profiles", owning=(0,))
    table.shard(0).put("ann", "one")
    table.give({1: Shard({"eve": "two"})})
    assert (table.shard(0).peek("ann"), table.shard(1).peek("eve")) == ("one", "two")


def test_a_change_of_a_shard_that_moved_away_ends_in_an_orphan() -> None:
    table = table_of("profiles", owning=(0,))
    at_work_on = table.shard(0)
    table.retain(())
    table.give({0: Shard({"ann": "restored"})})
    at_work_on.put("ann", "too late")
    assert table.shard(0).peek("ann") == "restored"
    assert table.shard(0).take_dirty() == []
