"""
Ask the models of a server: in their order, within a deadline, and no longer than it does any good.

Every answer that comes is one within the deadline; every failure is a `ModelUnavailable`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from msgspec.structs import replace
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from slates.breaker import Breaker, Clock, Rest
from slates.calls import CallFailed, Said, Server
from slates.dialect import Dialect, form_of, simpler
from slates.model import Answer, Question, Usage
from streams.errors import ModelUnavailable

log = logging.getLogger("headwater")

HOPELESS = frozenset({"wrong-key", "forbidden", "no-such-model"})
"""What no further question mends; somebody must."""
OF_THE_SERVER = frozenset({"wrong-key", "unreachable"})
"""What the next model of the same server would meet as well."""
OF_THE_QUESTION = frozenset({"rejected", "prompt-too-long", "filtered", "cut-off", "empty"})
"""What says nothing against who was asked."""
JITTER = 0.25
"""Seconds, doubled with each attempt: the first retry comes within this time."""

Estimate = Callable[[str], int]
"""Tokens of a text; rather too many than too few."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How models are asked; times in seconds."""

    small: tuple[str, ...]
    """Names, the first choice first."""
    large: tuple[str, ...] = ()
    """Likewise; the small ones where there are none."""
    timeout: float = 20.0
    """The longest wait for one answer, whatever the deadline."""
    concurrency: int = 8
    """Questions at a time; others wait for their turn, and their deadline runs."""
    retries: int = 2
    """How often a model is asked again after a failure that may pass."""
    temperature: float | None = None
    """Instead of what a prompt asks for."""
    failures: int = 5
    """In a row, after which a model is left alone."""
    rest: float = 30.0
    """How long."""
    hopeless_rest: float = 300.0
    """How long after an answer that only a change of the settings mends."""


class RemoteModel:
    """
    A `slates.model.Model`: the models of one server.

    Args:
        server: Who answers; whoever opened it closes it.
        manners: How it is asked.
        estimate: Tokens of a text, for servers that do not count.
        clock: Monotonic, for how long somebody is left alone.
    """

    def __init__(
        self,
        server: Server,
        manners: Manners,
        *,
        estimate: Estimate,
        clock: Clock = time.monotonic,
    ) -> None:
        sizes = {"small": manners.small, "large": manners.large or manners.small}
        slots = asyncio.Semaphore(manners.concurrency)
        locked_out = Rest(clock)
        named = {
            name: _Named(
                name,
                server,
                manners,
                slots=slots,
                locked_out=locked_out,
                estimate=estimate,
                clock=clock,
            )
            for names in sizes.values()
            for name in names
        }
        self._order = {size: [named[name] for name in names] for size, names in sizes.items()}

    @property
    def resting(self) -> bool:
        """Is nobody asked for now, because all have failed too often?"""
        return all(named.resting for named in self._order["small"])

    async def ask(self, question: Question, *, within: float) -> Answer:
        """
        Ask the models of the question's size in their order until one answers.

        Raises:
            ModelUnavailable: None did; the reason is that of the first, its tokens are all that
                were spent.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        deadline = began + within
        failures: list[ModelUnavailable] = []
        for named in self._order[question.size]:
            try:
                answer = await named.ask(question, deadline=deadline)
            except ModelUnavailable as exc:
                failures.append(exc)
                if exc.reason in OF_THE_SERVER or loop.time() >= deadline:
                    break
            else:
                usage = answer.usage + Usage(completion=_tokens(failures))
                return replace(answer, usage=usage, seconds=loop.time() - began)
        raise ModelUnavailable(
            "; ".join(map(str, failures)), reason=failures[0].reason, tokens=_tokens(failures)
        )


def _tokens(failures: Iterable[ModelUnavailable]) -> int:
    return sum(failure.tokens for failure in failures)


class _Named:
    """One model of the server: what is known about it, and the way it is asked."""

    def __init__(
        self,
        name: str,
        server: Server,
        manners: Manners,
        *,
        slots: asyncio.Semaphore,
        locked_out: Rest,
        estimate: Estimate,
        clock: Clock,
    ) -> None:
        self._name = name
        self._server = server
        self._manners = manners
        self._slots = slots
        self._locked_out = locked_out
        self._rest = Rest(clock)
        self._estimate = estimate
        self._breaker = Breaker(name, failures=manners.failures, rest=manners.rest, clock=clock)
        self._dialect = Dialect()

    @property
    def resting(self) -> bool:
        """Is it left alone for now?"""
        return self._breaker.state == "open"

    async def ask(self, question: Question, *, deadline: float) -> Answer:
        """Ask it, more than once where that may help; `deadline` is the loop's time."""
        if asyncio.get_running_loop().time() >= deadline:
            raise ModelUnavailable(f"{self._name}: no time left to ask", reason="timeout")
        if (why := self._locked_out.why or self._rest.why) is not None:
            raise ModelUnavailable(f"{why}; not asked again yet", reason=why.reason)
        again = AsyncRetrying(
            retry=retry_if_exception(lambda exc: isinstance(exc, CallFailed) and exc.passing),
            wait=_pause,
            stop=lambda state: self._enough(state, deadline),
            reraise=True,
        )
        try:
            return await again(self._once, question, deadline)
        except CallFailed as exc:
            self._leave_alone(exc)
            raise

    def _enough(self, state: RetryCallState, deadline: float) -> bool:
        over = asyncio.get_running_loop().time() + state.upcoming_sleep >= deadline
        return over or state.attempt_number > self._manners.retries

    def _leave_alone(self, exc: CallFailed) -> None:
        """After what will not pass soon, with one line in the log for all calls in that time."""
        seconds = self._manners.hopeless_rest if exc.reason in HOPELESS else exc.pause
        if not seconds:
            return
        rest = self._locked_out if exc.reason == "wrong-key" else self._rest
        if rest.why is None:
            log.warning("%s; not asked again for %g s", exc, seconds)
        rest.begin(seconds, exc)

    async def _once(self, question: Question, deadline: float) -> Answer:
        async with self._turn(deadline):
            with self._breaker.watch(lambda exc: exc.reason not in OF_THE_QUESTION):
                loop = asyncio.get_running_loop()
                limit = min(deadline, loop.time() + self._manners.timeout)
                try:
                    async with asyncio.timeout_at(limit):
                        return await self._find_the_way(question)
                except TimeoutError:
                    text = f"{self._name}: no answer in time"
                    raise CallFailed(text, reason="timeout") from None

    @asynccontextmanager
    async def _turn(self, deadline: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            text = f"{self._name}: all {self._manners.concurrency} places were taken until too late"
            raise CallFailed(text, reason="busy") from None
        try:
            yield
        finally:
            self._slots.release()

    async def _find_the_way(self, question: Question) -> Answer:
        """Ask as strictly as the server lets us, and remember how that was."""
        dialect = self._dialect
        while True:
            try:
                said = await self._server.ask(
                    self._name, question, dialect=dialect, temperature=self._manners.temperature
                )
            except CallFailed as exc:
                if exc.reason != "rejected":
                    raise
                other = simpler(question, dialect, complaint=exc.complaint)
                if other is None:
                    raise
                dialect = other
            else:
                self._remember(dialect)
                return self._answer(question, said, dialect)

    def _remember(self, dialect: Dialect) -> None:
        if dialect != self._dialect:
            log.warning("%s does not take all of the API: it is asked by %s", self._name, dialect)
            self._dialect = dialect

    def _answer(self, question: Question, said: Said, dialect: Dialect) -> Answer:
        usage = said.usage or Usage(
            prompt=sum(self._estimate(message.content) for message in question.messages),
            completion=self._estimate(said.text),
        )
        return Answer(
            text=said.text,
            usage=usage,
            model=self._name,
            seconds=0.0,
            form=form_of(question, dialect),
            complete=said.complete,
        )


_jitter = wait_random_exponential(multiplier=JITTER, max=4 * JITTER)


def _pause(state: RetryCallState) -> float:
    """As long as the server asks for, and a little more, so that not all come back at once."""
    failure = state.outcome.exception() if state.outcome is not None else None
    asked = failure.pause if isinstance(failure, CallFailed) else None
    return _jitter(state) if asked is None else asked + random.uniform(0, JITTER)
