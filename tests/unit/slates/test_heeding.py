"""A model that answers without sense is left alone, tried, and asked again."""

import pytest

from slates.breaker import Breaker
from slates.draft import Draft
from slates.heeding import Heeding
from slates.model import Answer, Model, Question
from slates.refining import Refined
from streams.errors import ModelUnavailable
from tests.support.clocks import Clock
from tests.support.drafted import refined_of
from tests.support.drafts import draft

REST = 30.0
DRAFT = draft()


class Nobody:
    """A model that is not to be asked here."""

    async def ask(self, question: Question, *, within: float) -> Answer:
        raise AssertionError


class Scripted:
    """A refinement that fails for reasons, one after another; then it works."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.asked = 0

    async def refine(self, draft: Draft, model: Model, *, within: float) -> Refined:
        self.asked += 1
        if self.reasons:
            raise ModelUnavailable("no", reason=self.reasons.pop(0))
        return refined_of(["i0"])


class Asking:
    """Who asks, again and again."""

    def __init__(self) -> None:
        self.clock, self.inner = Clock(100.0), Scripted()
        replies = Breaker("the model", failures=3, rest=REST, clock=self.clock)
        self.heeding = Heeding(self.inner, replies)

    async def ask(self, *reasons: str) -> list[str]:
        """Once for each reason; "" works."""
        said = []
        for reason in reasons:
            self.inner.reasons = [reason] if reason else []
            try:
                await self.heeding.refine(DRAFT, Nobody(), within=1.0)
            except ModelUnavailable as exc:
                said.append(exc.reason)
            else:
                said.append("")
        return said


@pytest.fixture
def asking() -> Asking:
    return Asking()


async def test_after_useless_replies_in_a_row_nobody_is_asked_for_a_while(asking: Asking) -> None:
    useless = ["unusable", "empty", "unusable"]
    assert await asking.ask(*useless) == useless
    assert await asking.ask("unusable", "") == ["breaker-open"] * 2
    assert asking.inner.asked == 3


async def test_a_reply_of_use_in_between_begins_the_count_anew(asking: Asking) -> None:
    await asking.ask("unusable", "unusable", "", "unusable", "unusable")
    assert await asking.ask("") == [""]


async def test_one_tries_after_the_rest_and_decides(asking: Asking) -> None:
    await asking.ask(*["unusable"] * 3)
    asking.clock.now += REST
    assert await asking.ask("unusable", "") == ["unusable", "breaker-open"]
    asking.clock.now += REST
    assert await asking.ask("", "unusable", "") == ["", "unusable", ""]


@pytest.mark.parametrize("reason", ["timeout", "unreachable", "budget", "busy"])
async def test_who_did_not_reply_has_said_nothing_useless_and_nothing_of_use(
    asking: Asking, reason: str
) -> None:
    assert await asking.ask(*[reason] * 9) == [reason] * 9
    await asking.ask("unusable", "unusable", reason, "unusable")
    assert await asking.ask("") == ["breaker-open"]
