"""State is written once per key and interval, after all that it caused, or not at all."""

import asyncio
from typing import Any

import pytest

from agents.keeping import Place
from agents.stretches import Last, Stretch, checksum
from agents.tables import ENCODE_BATCH
from streams.errors import DeliveryFailed, MembershipLost
from streams.kafka import Run
from tests.support.committing import Committing


async def test_outputs_are_settled_before_state_is_written_and_state_before_it_is_done() -> None:
    working = Committing()
    await working.outbox.post("co-visits", key=b"dune", value=b"[]")
    working.profiles.shard(1).put("ann", "one")
    working.trends.shard(2).put("dune", "two")
    await working.commits.settle()
    assert working.diary == [
        "post co-visits",
        "settle",
        "post shop.profiles",
        "post shop.trends",
        "settle",
        "done",
    ]


async def test_state_goes_to_its_changelog_in_its_own_partition() -> None:
    working = Committing()
    working.profiles.shard(3).put("ann ☂", "one")
    working.profiles.shard(2).put("eve", None)
    await working.commits.settle()
    written = [(p.key, p.value, p.partition) for p in working.outbox.on("shop.profiles")]
    assert written == [(b"eve", None, 2), ("ann ☂".encode(), b"one", 3)]


async def test_what_was_written_is_not_written_again() -> None:
    working = Committing()
    working.profiles.shard(1).put("ann", "one")
    await working.commits.settle()
    await working.commits.settle()
    assert len(working.outbox.posted) == 1


@pytest.mark.parametrize("count", [ENCODE_BATCH - 1, ENCODE_BATCH, 2 * ENCODE_BATCH + 1])
async def test_all_that_changed_is_written_however_much_it_is(count: int) -> None:
    working = Committing()
    working.put_many(count)
    await working.commits.settle()
    keys = [posted.key for posted in working.outbox.posted]
    assert keys == [f"user-{number}".encode() for number in range(count)]


async def test_others_have_their_turn_while_much_is_encoded() -> None:
    working = Committing()
    working.put_many(2 * ENCODE_BATCH)
    asyncio.get_running_loop().call_soon(working.diary.append, "someone else")
    await working.commits.settle()
    assert working.diary.index("someone else") < working.diary.index("post shop.profiles")


async def test_a_lost_output_raises_and_no_state_is_written_after_it() -> None:
    working = Committing(losing=["co-visits"])
    await working.outbox.post("co-visits", key=b"dune", value=b"[]")
    working.profiles.shard(1).put("ann", "one")
    with pytest.raises(DeliveryFailed):
        await working.commits.settle()
    assert working.outbox.posted == []
    assert working.diary == ["post co-visits", "settle"]


@pytest.mark.parametrize("how", ["refusing", "losing"])
async def test_state_that_cannot_be_written_raises_and_nothing_is_written_after_it(
    how: str,
) -> None:
    working = Committing(**{how: ["shop.profiles"]})
    working.profiles.shard(1).put("ann", "one")
    working.trends.shard(2).put("dune", "two")
    with pytest.raises(DeliveryFailed):
        await working.commits.settle()
    assert working.outbox.posted == []
    assert "done" not in working.diary


async def test_state_that_cannot_be_encoded_keeps_the_commit_from_being_done() -> None:
    working = Committing()
    working.profiles.shard(1).put("ann", "broken")
    with pytest.raises(ValueError, match="broken"):
        await working.commits.settle()
    assert "done" not in working.diary


async def test_a_commit_with_nothing_to_write_is_done_too() -> None:
    working = Committing()
    await working.commits.settle()
    assert working.diary == ["settle", "settle", "done"]


# -- what is kept of a commit


async def test_what_was_acknowledged_is_kept_with_its_place_and_from_offset_0_on_is_all() -> None:
    working = Committing()
    working.profiles.shard(3).put("ann ☂", "one")
    await working.commits.settle()
    working.profiles.shard(3).put("ann ☂", "two")
    working.profiles.shard(3).put("eve", None)
    working.trends.shard(0).put("dune", "one")
    await working.commits.settle()
    ann = "ann ☂".encode()
    assert working.kept == [
        {
            Place("shop.profiles", 3): Stretch(
                {ann: b"one"}, 0, 1, Last(0, checksum(ann, b"one")), whole=True
            )
        },
        {
            Place("shop.profiles", 3): Stretch(
                {ann: b"two", b"eve": None}, 1, 3, Last(2, checksum(b"eve", None))
            ),
            Place("shop.trends", 0): Stretch(
                {b"dune": b"one"}, 0, 1, Last(0, checksum(b"dune", b"one")), whole=True
            ),
        },
    ]


async def test_where_records_of_others_lie_in_between_that_is_told() -> None:
    working = Committing()
    post_many = working.outbox.post_many

    async def post_with_others(topic: str, partition: int, records: Any) -> Run:
        run = Run()
        for record in records:
            (sent,) = (await post_many(topic, partition, [record]))._batches
            run.add(*sent)
            await post_many(topic, partition, [(b"other", b"value")])
        return run

    working.outbox.post_many = post_with_others  # type: ignore[method-assign]
    working.profiles.shard(3).put("ann", "one")
    working.profiles.shard(3).put("eve", "one")
    await working.commits.settle()
    assert working.kept == [{Place("shop.profiles", 3): None}]


@pytest.mark.parametrize("error", [DeliveryFailed, MembershipLost])
async def test_of_what_was_not_acknowledged_nothing_is_kept(error: type[Exception]) -> None:
    working = Committing()
    settle = working.outbox.settle

    async def settle_once() -> None:
        await settle()
        working.outbox.settle = fail  # type: ignore[method-assign]

    async def fail() -> None:
        raise error("no answer")

    working.outbox.settle = settle_once  # type: ignore[method-assign]
    working.profiles.shard(1).put("ann", "one")
    with pytest.raises(error):
        await working.commits.settle()
    assert len(working.outbox.posted) == 1
    assert working.kept == []
