"""Where a value is kept, decoded or packed, is nobody's concern but the memory's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.resting import Resting
from agents.shards import Shard
from tests.support.committing import table_of
from tests.support.laws import law

LAW = law(200)
KEYS = st.sampled_from("abcd")
STEPS = st.lists(
    st.tuples(st.just("put"), KEYS, st.none() | st.sampled_from(["one", "two"]))
    | st.tuples(st.sampled_from(["peek", "age", "pack", "take", "fail"]), KEYS, st.none()),
    max_size=40,
)


def unpack(key: str, value: bytes) -> str:
    return value.decode()


def shard_of(**packed: str) -> Shard[str]:
    return Shard(packed={k: v.encode() for k, v in packed.items()}, unpack=unpack)


@LAW
@given(steps=STEPS)
def test_a_shard_is_what_a_dictionary_is_whatever_is_packed_and_when(
    steps: list[tuple[str, str, str | None]],
) -> None:
    shard, oracle = shard_of(a="old", b="old"), {"a": "old", "b": "old"}
    owed: set[str] = set()
    for step, key, value in steps:
        match step:
            case "put":
                shard.put(key, value)
                oracle = {k: v for k, v in {**oracle, key: value}.items() if v is not None}
                owed.add(key)
            case "peek":
                assert shard.peek(key) == oracle.get(key)
            case "age":
                shard.age()
            case "pack":
                shard.pack(str.encode, most=2)
            case "take" | "fail":
                taken = shard.take_dirty()
                assert dict(taken) == {k: oracle.get(k) for k in owed}
                if step == "fail":
                    shard.mark_dirty(k for k, _ in taken)
                else:
                    owed = set()
        assert len(shard) == len(oracle)
    assert {k: shard.peek(k) for k in "abcd"} == {k: oracle.get(k) for k in "abcd"}


def test_what_nobody_asks_for_is_never_unpacked() -> None:
    asked: list[str] = []

    def note(key: str, value: bytes) -> str:
        asked.append(key)
        return value.decode()

    shard = Shard(packed={"ann": b"one", "eve": b"two"}, unpack=note)
    assert [shard.peek("ann"), shard.peek("ann"), len(shard)] == ["one", "one", 2]
    assert asked == ["ann"]


def test_what_was_asked_for_since_is_not_packed() -> None:
    shard = Shard({"ann": "one", "eve": "two"})
    shard.age()
    shard.peek("ann")
    assert shard.pack(str.encode, most=9) == 1
    assert shard._packed == {"eve": b"two"}


def test_a_value_that_cannot_be_unpacked_is_not_lost() -> None:
    def refuse(key: str, value: bytes) -> str:
        raise ValueError(key)

    shard = Shard(packed={"ann": b"one"}, unpack=refuse)
    for _ in range(2):
        with pytest.raises(ValueError, match="ann"):
            shard.peek("ann")
    assert len(shard) == 1


async def test_what_rests_is_packed_and_is_there_when_it_is_asked_for() -> None:
    table = table_of("profiles")
    table.give({0: shard_of(), 1: shard_of()})
    for number in range(40):
        table.shard(number % 2).put(str(number), "one")
    resting = Resting([table], rest=0.01)
    await resting.start()
    while len(table.shard(0)._packed) + len(table.shard(1)._packed) < 40:
        await resting.sleep(0.001)
    await resting.stop()
    assert table.shard(1).peek("39") == "one"
    assert len(table.shard(1).take_dirty()) == 20
