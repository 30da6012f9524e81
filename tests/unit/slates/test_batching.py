"""Questions are put together where their answers can be told apart, and asked alone otherwise."""

import asyncio
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.batching import Batched, Batcher, join, shared, split
from slates.books import Cause, Looked
from slates.budget import Budget, Budgeted, Limits
from slates.model import Answer, Message, Question, Usage
from slates.money import FREE
from slates.tokens import estimate_question
from streams.errors import ModelUnavailable

SYSTEM = "You order films for a user and keep to a long list of rules. " * 40
SCHEMA = {"type": "object", "properties": {"order": {"type": "array"}}}


def asked(words: str) -> Question:
    messages = (Message("system", SYSTEM), Message("user", words))
    return Question("rerank", "rerank/1", messages, 20, schema=SCHEMA)


class Server:
    """Answers every part with its own words, unless told to reply otherwise."""

    def __init__(self, reply: Callable[[Question, int], str] | None = None) -> None:
        self._reply = reply
        self.asked: list[Question] = []
        self.took = 0

    async def ask(self, question: Question, *, within: float) -> Answer:
        self.asked.append(question)
        await asyncio.sleep(0)
        text = question.messages[-1].content
        parts = text.split("### Part ")[1:]
        if not parts:
            said = json.dumps({"order": [text]})
        elif self._reply is not None:
            said = self._reply(question, len(parts))
        else:
            said = json.dumps(
                {
                    "parts": [
                        {"part": n, "answer": {"order": [part.split("\n", 1)[1].strip()]}}
                        for n, part in enumerate(parts, 1)
                    ]
                }
            )
        usage = Usage(estimate_question(question), 0, question.max_tokens)
        self.took += usage.total
        return Answer(said, usage, "m", 0.1)


class Books:
    def __init__(self) -> None:
        self.tokens = 0

    def called(self, question: Question, **facts: object) -> None: ...

    def saved(self, strategy: str, *, cause: Cause, tokens: int) -> None:
        assert cause == "batching"
        self.tokens += tokens

    def looked_up(self, outcome: Looked) -> None: ...


async def orders(model: object, *words: str) -> list[object]:
    answers = await asyncio.gather(
        *(model.ask(asked(each), within=5.0) for each in words)  # type: ignore[attr-defined]
    )
    return [json.loads(answer.text)["order"][0] for answer in answers]


async def test_each_gets_the_answer_to_its_own_question_out_of_one_call() -> None:
    server, books = Server(), Books()
    found = await orders(Batcher(server, books=books), "ann's", "bob's", "cy's")
    assert (found, len(server.asked)) == (["ann's", "bob's", "cy's"], 1)


async def test_what_never_changes_is_paid_for_once() -> None:
    server, books = Server(), Books()
    await orders(Batcher(server, books=books), "ann's", "bob's", "cy's")
    alone = 3 * estimate_question(asked("ann's"))
    together = estimate_question(server.asked[0])
    assert together < alone / 2
    assert abs(books.tokens - (alone - together)) <= 3


async def test_one_question_is_asked_as_it_is() -> None:
    server = Server()
    await orders(Batcher(server), "ann's")
    assert server.asked == [asked("ann's")]


async def test_questions_of_different_prompts_are_not_put_together() -> None:
    server = Server()
    batcher = Batcher(server)
    other = Question("explain", "explain/1", asked("x").messages, 20)
    await asyncio.gather(batcher.ask(asked("x"), within=5.0), batcher.ask(other, within=5.0))
    assert len(server.asked) == 2


async def test_a_call_is_full_at_some_point() -> None:
    server = Server()
    await orders(Batcher(server, most=2), "a", "b", "c", "d")
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "reply",
    [
        lambda q, n: "Part 1: yes. Part 2: no.",
        lambda q, n: '{"parts": [{"part": 1}, {"part": 2}]}',
        lambda q, n: json.dumps({"parts": [{"part": 1, "answer": {}}, {"part": 1, "answer": {}}]}),
        lambda q, n: "[]",
    ],
)
async def test_where_parts_cannot_be_told_apart_each_is_asked_alone(
    reply: Callable[[Question, int], str],
) -> None:
    server = Server(reply)
    found = await orders(Batcher(server), "ann's", "bob's")
    assert (found, len(server.asked)) == (["ann's", "bob's"], 3)


async def test_only_the_part_that_is_missing_is_asked_again() -> None:
    server = Server(lambda q, n: json.dumps({"parts": [{"part": 2, "answer": {"order": ["two"]}}]}))
    found = await orders(Batcher(server), "ann's", "bob's")
    assert (found, len(server.asked)) == (["ann's", "two"], 2)


async def test_what_a_user_wrote_is_put_together_with_nothing() -> None:
    server = Server()
    batcher = Batcher(server)
    models = [Batched(server, batcher, free_text=True) for _ in range(2)]
    await asyncio.gather(*(model.ask(asked("x"), within=5.0) for model in models))
    assert len(server.asked) == 2


async def test_a_failure_of_all_is_everybodys() -> None:
    class Down:
        async def ask(self, question: Question, *, within: float) -> Answer:
            raise ModelUnavailable("slow", reason="timeout", tokens=9)

    batcher = Batcher(Down())
    asking = (batcher.ask(asked(words), within=5.0) for words in "ab")
    failures = await asyncio.gather(*asking, return_exceptions=True)
    assert [(f.reason, f.tokens) for f in failures] == [("timeout", 5)] * 2  # type: ignore[union-attr]


async def test_one_who_leaves_does_not_take_the_others_along() -> None:
    server = Server()
    batcher = Batcher(server)
    leaving = asyncio.create_task(batcher.ask(asked("ann's"), within=5.0))
    staying = asyncio.create_task(batcher.ask(asked("bob's"), within=5.0))
    await asyncio.sleep(0.001)
    leaving.cancel()
    assert json.loads((await staying).text) == {"order": ["bob's"]}


@pytest.mark.parametrize("reply", [None, lambda q, n: "nothing of use"])
async def test_budgets_hold_whether_parts_can_be_told_apart_or_not(
    reply: Callable[[Question, int], str] | None,
) -> None:
    server = Server(reply)
    batcher = Batcher(server)
    worst = estimate_question(asked("a")) + 20
    budget = Budget(Limits(hour=7 * worst))
    models = [Budgeted(batcher, budget, user_id=u, prices=FREE, attempts=2) for u in "abcdefgh"]
    asking = (model.ask(asked("a"), within=5.0) for model in models)
    await asyncio.gather(*asking, return_exceptions=True)
    assert 0 < server.took <= 7 * worst


@given(st.integers(0, 10_000), st.lists(st.integers(0, 500), min_size=1, max_size=20))
def test_shares_add_up_and_none_is_larger_than_its_weight_allows(
    total: int, weights: list[int]
) -> None:
    if not sum(weights):
        return
    total = min(total, sum(weights))
    parts = shared(total, weights)
    assert sum(parts) == total
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))


def test_the_shares_of_a_reply_are_what_it_took() -> None:
    questions = [asked("a"), asked("a longer one, with more words")]
    joined = join(questions)
    parts = [{"part": n, "answer": {"order": []}} for n in (1, 2)]
    answers = split(Answer(json.dumps({"parts": parts}), Usage(100, 60, 21), "m", 0.1), questions)
    total = Usage()
    for answer in answers:
        assert answer is not None
        total = total + answer.usage
    assert total == Usage(100, 60, 21)
    assert joined.max_tokens == 40
