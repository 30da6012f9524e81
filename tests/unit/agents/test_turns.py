"""A model is asked after everybody who waits for a slate, and one question after another."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from time import monotonic

import pytest

from agents.testing import run_at_once
from agents.turns import InTurn, Turns
from slates.asking import LEAST_SECONDS
from slates.model import Answer, Message, Question, Usage
from streams.errors import ModelUnavailable

QUESTION = Question("rerank", "rerank/1", (Message("user", "1 2 3"),), 10)
PATIENCE = 5.0


class Noting:
    """A model that notes how much time it is given."""

    def __init__(self) -> None:
        self.within: list[float] = []

    async def ask(self, question: Question, *, within: float) -> Answer:
        self.within.append(within)
        return Answer("[1]", Usage(), "small", 0.0)


async def test_of_many_that_are_ready_at_once_each_lets_others_go_on_before_it() -> None:
    turns, seen = Turns(), []
    asyncio.get_running_loop().call_soon(tick := lambda: seen.append("slate"))

    async def put(number: int) -> None:
        await turns.take(within=PATIENCE)
        seen.append(f"question {number}")
        asyncio.get_running_loop().call_soon(tick)

    await asyncio.gather(*(put(number) for number in range(3)))
    assert [line for line in seen if line != "slate"] == [f"question {n}" for n in range(3)]
    assert not [pair for pair in pairwise(seen) if "slate" not in pair]


async def test_nobody_is_asked_while_somebody_waits_for_a_slate() -> None:
    turns, line = Turns(), ["ann", "bea"]
    turns.give_way(lambda: 0)
    turns.give_way(lambda: len(line))
    taken = asyncio.create_task(turns.take(within=PATIENCE))
    while line:
        await asyncio.sleep(0.02)
        assert not taken.done()
        line.pop()
    await asyncio.wait_for(taken, PATIENCE)


def test_where_slates_take_all_of_the_time_that_is_said_and_the_next_one_is_free() -> None:
    async def main() -> Answer:
        turns, model = Turns(), Noting()
        turns.give_way(lambda: int(not model.within and asyncio.get_running_loop().time() < until))
        until = asyncio.get_running_loop().time() + 2.0
        with pytest.raises(ModelUnavailable, match=r"slates came first for 1\.0 s") as caught:
            await InTurn(model, turns).ask(QUESTION, within=1.0)
        assert (caught.value.reason, model.within) == ("busy", [])
        return await InTurn(model, turns).ask(QUESTION, within=60.0)

    assert run_at_once(main()).text == "[1]"


async def test_what_waiting_took_is_taken_from_the_time_for_the_answer() -> None:
    turns, model = Turns(), Noting()
    began = monotonic()
    turns.give_way(lambda: int(monotonic() < began + 0.1))
    await InTurn(model, turns).ask(QUESTION, within=PATIENCE)
    assert 0 < model.within[0] <= PATIENCE - 0.1


async def test_with_too_little_time_for_an_answer_no_turn_is_given() -> None:
    with pytest.raises(ModelUnavailable):
        await Turns().take(within=LEAST_SECONDS / 2)
