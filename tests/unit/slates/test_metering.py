"""Every call is in the books, and logs hold hashes of what was said."""

import asyncio
import logging

import pytest

from slates.books import Cause, Looked
from slates.metering import Logged, Metered, digest
from slates.model import Answer, Message, Question, Usage
from streams.errors import ModelUnavailable

QUESTION = Question("rerank", "rerank/1", (Message("user", "a secret prompt"),), 5)


class Books:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, int]] = []

    def called(
        self, question: Question, *, model: str, usage: Usage, outcome: str, seconds: float
    ) -> None:
        self.calls.append((outcome, model, usage.total))

    def saved(self, strategy: str, *, cause: Cause, tokens: int) -> None: ...

    def looked_up(self, outcome: Looked) -> None: ...


class Server:
    def __init__(self, failure: BaseException | None = None) -> None:
        self._failure = failure

    async def ask(self, question: Question, *, within: float) -> Answer:
        if self._failure is not None:
            raise self._failure
        return Answer("a secret reply", Usage(7, 0, 2), "small", 0.1)


@pytest.mark.parametrize(
    ("failure", "entry"),
    [
        (None, ("answered", "small", 9)),
        (ModelUnavailable("late", reason="timeout", tokens=4), ("timeout", "", 4)),
        (asyncio.CancelledError(), ("cancelled", "", 0)),
    ],
)
async def test_a_call_is_entered_once_whatever_came_of_it(
    failure: BaseException | None, entry: tuple[str, str, int]
) -> None:
    books = Books()
    asking = Metered(Server(failure), books).ask(QUESTION, within=1.0)
    await asyncio.gather(asking, return_exceptions=True)
    assert books.calls == [entry]


async def test_logs_hold_hashes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "headwater.model")
    await Logged(Server()).ask(QUESTION, within=1.0)
    assert "secret" not in caplog.text
    assert digest("a secret prompt") in caplog.text
    assert digest("a secret reply") in caplog.text


async def test_logs_hold_texts_where_that_is_wanted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "headwater.model")
    await Logged(Server(), texts=True).ask(QUESTION, within=1.0)
    assert "a secret prompt" in caplog.text
    assert "a secret reply" in caplog.text
