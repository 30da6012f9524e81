"""Budgets: not one token over, whatever fails, is cancelled, or how the clock is set."""

import asyncio
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.budget import DAY, HOUR, STEPS, Budget, Budgeted, Limits
from slates.model import Answer, Message, Question, Usage
from slates.money import BILLION, FREE, Prices, price
from slates.tokens import estimate_question
from streams.errors import ModelUnavailable
from tests.support.clocks import Clock
from tests.support.laws import law

QUESTION = Question("s", "p/1", (Message("user", "one two three"),), 20)
WORST = estimate_question(QUESTION) + 20


class Server:
    """A model that counts what it was made to do, whoever waits for it."""

    def __init__(self, act: Callable[[], str], *, extra: int = 0) -> None:
        self._act = act
        self._extra = extra
        self.took = 0

    async def ask(self, question: Question, *, within: float) -> Answer:
        act = self._act()
        prompt = estimate_question(question) + self._extra
        if act == "refuse":
            raise ModelUnavailable("down", reason="unreachable")
        self.took += prompt
        await asyncio.sleep(0)
        if act == "break":
            raise ModelUnavailable("cut", reason="timeout", tokens=prompt)
        if act == "hang":
            await asyncio.sleep(60)
        said = question.max_tokens if act == "long" else question.max_tokens // 3
        self.took += said
        return Answer("x", Usage(prompt, 0, said), "m", 0.0)


def budgeted(model: Server, budget: Budget, user: str = "ann", prices: Prices = FREE) -> Budgeted:
    return Budgeted(model, budget, user_id=user, prices=prices)


@law(40)
@given(st.integers(0, 2_000), st.integers(0, 10_000), st.integers(1, 60))
def test_not_one_token_more_is_spent_than_allowed(limit: int, seed: int, tasks: int) -> None:
    rng = random.Random(seed)
    acts = ("short", "long", "break", "refuse", "hang")
    server = Server(lambda: rng.choice(acts))
    budget = Budget(Limits(hour=limit, user=limit // 2), clock=Clock(1_000.0))

    async def one(at: int) -> None:
        try:
            async with asyncio.timeout(rng.choice([0.001, 0.005])):
                await budgeted(server, budget, f"u{at % 3}").ask(QUESTION, within=1.0)
        except (ModelUnavailable, TimeoutError):
            pass

    async def everybody() -> None:
        await asyncio.gather(*(one(at) for at in range(tasks)))

    asyncio.run(everybody())
    assert server.took <= limit


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(user=WORST), "budget-user"),
        (Limits(hour=WORST), "budget-hour"),
        (Limits(process=WORST), "budget-process"),
    ],
)
async def test_what_does_not_fit_is_refused_with_the_budget_that_it_exceeds(
    limits: Limits, reason: str
) -> None:
    model = budgeted(Server(lambda: "long"), Budget(limits, clock=Clock(1_000.0)))
    await model.ask(QUESTION, within=1.0)
    with pytest.raises(ModelUnavailable) as caught:
        await model.ask(QUESTION, within=1.0)
    assert caught.value.reason == reason


async def test_what_was_held_and_not_used_is_free_again() -> None:
    budget = Budget(Limits(hour=2 * WORST - 10), clock=Clock(1_000.0))
    model = budgeted(Server(lambda: "short"), budget)
    await model.ask(QUESTION, within=1.0)
    await model.ask(QUESTION, within=1.0)


async def test_one_users_calls_leave_the_others_theirs() -> None:
    budget = Budget(Limits(user=WORST), clock=Clock(1_000.0))
    server = Server(lambda: "long")
    await budgeted(server, budget, "ann").ask(QUESTION, within=1.0)
    await budgeted(server, budget, "bob").ask(QUESTION, within=1.0)
    with pytest.raises(ModelUnavailable):
        await budgeted(server, budget, "ann").ask(QUESTION, within=1.0)


async def test_a_refused_call_costs_nothing_and_a_broken_one_the_worst_case() -> None:
    for act, left in (("refuse", True), ("break", False)):
        budget = Budget(Limits(hour=WORST), clock=Clock(1_000.0))
        model = budgeted(Server(lambda act=act: act), budget)
        with pytest.raises(ModelUnavailable):
            await model.ask(QUESTION, within=1.0)
        try:
            budget.hold("ann", WORST)
        except ModelUnavailable:
            assert not left
        else:
            assert left


async def test_a_cancelled_call_costs_the_worst_case() -> None:
    budget = Budget(Limits(hour=WORST), clock=Clock(1_000.0))
    task = asyncio.create_task(budgeted(Server(lambda: "hang"), budget).ask(QUESTION, within=1.0))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ModelUnavailable):
        budget.hold("ann", 1)


async def test_usage_beyond_the_estimate_is_booked_and_estimated_from_then_on() -> None:
    budget = Budget(Limits(hour=10 * WORST), clock=Clock(1_000.0))
    server = Server(lambda: "short", extra=30)
    await budgeted(server, budget).ask(QUESTION, within=1.0)
    assert budget.worst(QUESTION).prompt >= estimate_question(QUESTION) + 30
    budget.hold("ann", 10 * WORST - server.took)
    with pytest.raises(ModelUnavailable):
        budget.hold("ann", 1)


async def test_a_server_that_does_not_count_costs_the_worst_case() -> None:
    class Silent(Server):
        async def ask(self, question: Question, *, within: float) -> Answer:
            return Answer("x", Usage(), "m", 0.0)

    budget = Budget(Limits(hour=WORST), clock=Clock(1_000.0))
    await budgeted(Silent(lambda: ""), budget).ask(QUESTION, within=1.0)
    with pytest.raises(ModelUnavailable):
        budget.hold("ann", 1)


@given(
    st.lists(st.tuples(st.floats(0, 2_000), st.integers(1, 60)), min_size=1, max_size=60),
    st.integers(1, 200),
)
def test_in_no_hour_whatsoever_is_more_spent_than_allowed(
    calls: list[tuple[float, int]], limit: int
) -> None:
    clock = Clock(1_000.0)
    budget = Budget(Limits(hour=limit), clock=clock)
    spent: list[tuple[float, int]] = []
    for wait, tokens in calls:
        clock.now += wait
        try:
            hold = budget.hold("ann", tokens)
        except ModelUnavailable:
            continue
        budget.settle(hold, tokens=tokens)
        spent.append((clock.now, tokens))
    for start, _ in spent:
        assert sum(t for at, t in spent if start <= at < start + HOUR) <= limit


def test_an_hour_later_all_of_it_is_there_again() -> None:
    clock = Clock(1_000.0)
    budget = Budget(Limits(hour=10, user=10), clock=clock)
    budget.settle(budget.hold("ann", 10), tokens=10)
    clock.now += HOUR * (1 + 1 / STEPS)
    budget.hold("ann", 10)


def test_a_clock_that_goes_back_neither_refills_nor_locks() -> None:
    clock = Clock(1_000.0)
    budget = Budget(Limits(hour=10), clock=clock)
    budget.settle(budget.hold("ann", 10), tokens=10)
    clock.now -= 100_000.0
    with pytest.raises(ModelUnavailable):
        budget.hold("ann", 1)
    clock.now += HOUR * (1 + 1 / STEPS)
    budget.hold("ann", 10)


def test_the_clock_of_the_wall_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget(Limits(hour=10))
    budget.settle(budget.hold("ann", 10), tokens=10)
    monkeypatch.setattr("time.time", lambda: 9e9)
    with pytest.raises(ModelUnavailable):
        budget.hold("ann", 1)


async def test_money_is_held_at_the_highest_price_and_booked_at_the_real_one() -> None:
    prices = Prices(
        {"m": price(prompt=1.0, completion=1.0), "dear": price(prompt=9.0, completion=9.0)}
    )
    limit = 9 * WORST * BILLION // 1_000_000
    budget = Budget(Limits(day=limit), clock=Clock(1_000.0))
    model = budgeted(Server(lambda: "long"), budget, prices=prices)
    await model.ask(QUESTION, within=1.0)
    with pytest.raises(ModelUnavailable) as caught:
        await model.ask(QUESTION, within=1.0)
    assert caught.value.reason == "budget-day"
    assert limit - WORST * 1_000 == 8 * WORST * 1_000
    budget.hold("ann", 1, 8 * WORST * 1_000)


def test_what_the_ledger_has_of_today_counts_after_a_restart() -> None:
    clock = Clock(1_000.0)
    budget = Budget(Limits(day=100), clock=clock, spent_today=90)
    with pytest.raises(ModelUnavailable):
        budget.hold("ann", 1, 11)
    clock.now += DAY * (1 + 1 / STEPS)
    budget.hold("ann", 1, 100)


def test_what_has_no_room_for_another_call_is_named_without_asking() -> None:
    budget = Budget(Limits(user=100), clock=lambda: 0.0)
    assert budget.spent("ann") == ""
    hold = budget.hold("ann", 60)
    assert budget.spent("ann") == "budget-user"
    assert budget.spent("eve") == ""
    budget.settle(hold, tokens=30)
    assert budget.spent("ann") == ""
