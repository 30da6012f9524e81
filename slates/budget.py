"""
Budgets of tokens and money that no call exceeds, however many are under way.

The worst case is held before a call: its prompt as estimated, and the longest answer.  What it
really took is booked after.  A call that was cancelled or failed in the middle is booked as the
worst case, since the server may have done the work.  Time is monotonic: setting the machine's
clock neither refills a budget nor locks it.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from slates.model import Answer, Model, Question, Usage
from slates.money import BILLION, Prices
from slates.tokens import estimate_question
from streams.errors import ModelUnavailable

HOUR = 3_600.0
DAY = 86_400.0
STEPS = 60
"""Parts of a window in which what was spent comes free again: a minute of an hour."""
UNPAID = frozenset(
    {
        *("breaker-open", "unreachable", "wrong-key", "forbidden", "no-such-model"),
        *("prompt-too-long", "rejected", "rate-limited", "not-recorded", "no-model"),
    }
)
"""Reasons of `ModelUnavailable` after which a server has read and written nothing."""

Clock = Callable[[], float]
"""Seconds that only grow."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of each; None is no limit."""

    user: int | None = None
    """Tokens of one user in an hour."""
    hour: int | None = None
    """Tokens of all in an hour."""
    process: int | None = None
    """Tokens since the process began."""
    day: int | None = None
    """Billionths of the currency in a day."""


class Window:
    """
    What was spent of late, and what is held for calls under way.

    Args:
        limit: The most of both together; None is no limit.
        seconds: After how long what was spent is free again; None is never.
    """

    def __init__(self, limit: int | None, *, seconds: float | None) -> None:
        self._limit = limit
        self._seconds = seconds
        self._spent: deque[tuple[float, int]] = deque()
        self._total = 0
        self.held = 0

    def used(self, now: float) -> int:
        """Spent of late, or held."""
        if self._seconds is not None:
            while self._spent and self._spent[0][0] + self._seconds <= now:
                self._total -= self._spent.popleft()[1]
        return self._total + self.held

    def fits(self, amount: int, now: float) -> bool:
        """May that much be held?"""
        return self._limit is None or self.used(now) + amount <= self._limit

    def settle(self, *, held: int, spent: int, now: float) -> None:
        """Give back what was held, and book what was spent, as of the end of the current step."""
        self.held -= held
        if not spent:
            return
        self._total += spent
        step = 0.0 if self._seconds is None else self._seconds / STEPS
        until = now if not step else math.ceil(now / step) * step
        if self._spent and self._spent[-1][0] == until:
            spent += self._spent.pop()[1]
        if self._seconds is not None:
            self._spent.append((until, spent))


@dataclass(frozen=True, slots=True)
class Hold:
    """What is held for one call."""

    user_id: str
    tokens: int
    cost: int


class Budget:
    """
    The budgets of a process.

    Args:
        limits: The most of each.
        clock: Seconds that only grow; one that goes back counts as standing still.
        spent_today: Billionths that the ledger has of today, from before this process.
    """

    def __init__(
        self, limits: Limits, *, clock: Clock = time.monotonic, spent_today: int = 0
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._last = clock()
        self._now = 0.0
        self._hour = Window(limits.hour, seconds=HOUR)
        self._process = Window(limits.process, seconds=None)
        self._day = Window(limits.day, seconds=DAY)
        self._day.settle(held=0, spent=spent_today, now=0.0)
        self._users: OrderedDict[str, Window] = OrderedDict()
        self._ratio = 1.0
        self._last_call = (1, 0)
        """Tokens and cost that were held for the last call."""

    def spent(self, user_id: str) -> str:
        """Which budget has no room for another call like the last one; empty for none."""
        full = self._full(user_id, *self._last_call)
        return "" if full is None else full[0]

    def worst(self, question: Question) -> Usage:
        """The most that a call can take, as far as estimates were right until now."""
        prompt = math.ceil(estimate_question(question) * self._ratio)
        return Usage(prompt=prompt, completion=question.max_tokens)

    def learn(self, question: Question, usage: Usage) -> None:
        """Estimate higher where a prompt took more: the model cuts words otherwise."""
        self._ratio = max(self._ratio, usage.prompt / max(1, estimate_question(question)))

    def hold(self, user_id: str, tokens: int, cost: int = 0) -> Hold:
        """
        Hold the worst case of a call.

        Raises:
            ModelUnavailable: A budget would be exceeded; the reason names which.
        """
        self._last_call = (tokens, cost)
        if (full := self._full(user_id, tokens, cost)) is not None:
            reason, amount, used = full
            raise ModelUnavailable(
                f"{amount:,} more would exceed {reason}: {used:,} are used or held", reason=reason
            )
        user = self._users.get(user_id)
        for window in filter(None, (self._hour, self._process, user)):
            window.held += tokens
        self._day.held += cost
        return Hold(user_id, tokens, cost)

    def _full(self, user_id: str, tokens: int, cost: int) -> tuple[str, int, int] | None:
        """The first budget that has no room, what it was to hold, and what it has."""
        now = self._time()
        for reason, window, amount in (
            ("budget-process", self._process, tokens),
            ("budget-hour", self._hour, tokens),
            ("budget-day", self._day, cost),
            ("budget-user", self._user(user_id, now), tokens),
        ):
            if window is not None and not window.fits(amount, now):
                return reason, amount, window.used(now)
        return None

    def settle(self, hold: Hold, *, tokens: int, cost: int = 0) -> None:
        """Book what a call took; to be called exactly once for each hold."""
        now = self._time()
        user = self._users.get(hold.user_id)
        for window in filter(None, (self._hour, self._process, user)):
            window.settle(held=hold.tokens, spent=tokens, now=now)
        self._day.settle(held=hold.cost, spent=cost, now=now)

    def _time(self) -> float:
        """Seconds since the budget was made, by a clock that may be set back."""
        now = self._clock()
        self._now += max(0.0, now - self._last)
        self._last = now
        return self._now

    def _user(self, user_id: str, now: float) -> Window | None:
        """The user's window; those of users who have nothing in theirs are dropped."""
        if self._limits.user is None or not user_id:
            return None
        while self._users:
            oldest, window = next(iter(self._users.items()))
            if window.used(now):
                break
            del self._users[oldest]
        window = self._users.setdefault(user_id, Window(self._limits.user, seconds=HOUR))
        self._users.move_to_end(user_id)
        return window


class Budgeted:
    """
    A `slates.model.Model` that asks only what a user's and everybody's budget allow.

    Args:
        model: Who is asked.
        budget: Of everybody.
        user_id: Whose budget it is, too; empty for nobody's.
        prices: What tokens cost.
        attempts: How often the model may ask for one answer; each is held for.
    """

    def __init__(
        self, model: Model, budget: Budget, *, user_id: str, prices: Prices, attempts: int = 1
    ) -> None:
        self._attempts = attempts
        self._model = model
        self._budget = budget
        self._user_id = user_id
        self._prices = prices

    async def ask(self, question: Question, *, within: float) -> Answer:
        """Hold, ask, settle, whatever happens in between."""
        worst = self._budget.worst(question)
        cost = self._prices.worst(worst) * self._attempts
        hold = self._budget.hold(self._user_id, worst.total * self._attempts, cost)
        try:
            answer = await self._model.ask(question, within=within)
        except ModelUnavailable as error:
            paid = 0 if error.reason in UNPAID else hold.tokens
            self._settle(hold, max(paid, error.tokens))
            raise
        except BaseException:  # cancelled, or a bug: the server may have answered all the same
            self._settle(hold, hold.tokens)
            raise
        usage = answer.usage if answer.usage.total else worst  # some servers do not count
        self._budget.learn(question, usage)
        self._budget.settle(hold, tokens=usage.total, cost=self._prices.of(answer.model, usage))
        return answer

    def _settle(self, hold: Hold, tokens: int) -> None:
        """Tokens of a call whose model nobody knows, at the price that was held for it."""
        cost = math.ceil(hold.cost * tokens / hold.tokens) if hold.tokens else 0
        self._budget.settle(hold, tokens=tokens, cost=cost)


def money(billionths: int) -> float:
    """In whole units, to be shown."""
    return billionths / BILLION
