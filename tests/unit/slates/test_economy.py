"""All of it together: what a model sees, what a second question costs, and what a budget stops."""

import asyncio

import pytest

from slates.askers import Asker, asker_of
from slates.budget import Budget, Limits
from slates.cache import Cache
from slates.draft import Candidate, Draft, Had
from slates.economy import Economy, Terms
from slates.model import Answer, Message, Question, Usage
from slates.slate import Slate, Timings, Versions
from slates.tokens import estimate_question
from streams.errors import ModelUnavailable
from streams.requests import Trigger

SYSTEM = "Order the films by what the user likes. " * 30


UNLIMITED = Limits()


class Server:
    def __init__(self) -> None:
        self.asked: list[Question] = []

    async def ask(self, question: Question, *, within: float) -> Answer:
        self.asked.append(question)
        return Answer("[1]", Usage(estimate_question(question), 0, 2), "m", 0.1)


def question(text: str) -> Question:
    return Question("rerank", "p/1", (Message("system", SYSTEM), Message("user", text)), 10)


def economy(server: Server, *, limits: Limits = UNLIMITED, **terms: object) -> Economy:
    return Economy(
        server,
        budget=Budget(limits),
        cache=Cache(most=10, max_age=60.0),
        terms=Terms(**{"batch": 1, **terms}),  # type: ignore[arg-type]
    )


async def test_nothing_personal_reaches_the_model() -> None:
    server = Server()
    asker = Asker(user_id="ann-17", said=("I am Jamie Pratt",), public=frozenset({"Annie Hall"}))
    text = 'user ann-17: "I am Jamie Pratt"\n1 "Annie Hall"\ncall +44 7700 900123'
    await economy(server).asking(asker).ask(question(text), within=1.0)
    assert server.asked[0].messages[1].content == (
        'user [USER]: "[USER_TEXT]"\n1 "Annie Hall"\ncall [PHONE_1]'
    )


async def test_a_second_time_costs_nothing_and_needs_no_budget() -> None:
    server = Server()
    worst = estimate_question(question("x")) + 10
    made = economy(server, limits=Limits(user=worst))
    asker = Asker(user_id="ann", personal=True)
    await made.asking(asker).ask(question("x"), within=1.0)
    again = await made.asking(asker).ask(question("x"), within=1.0)
    assert (again.usage.total, len(server.asked)) == (0, 1)
    with pytest.raises(ModelUnavailable) as caught:
        await made.asking(asker).ask(question("y"), within=1.0)
    assert caught.value.reason == "budget-user"


async def test_users_share_a_call_unless_they_wrote_something() -> None:
    server = Server()
    made = economy(server, batch=4, user_text=True)
    askers = [Asker(user_id="ann", personal=True), Asker(user_id="bob", personal=True)]
    await asyncio.gather(
        *(made.asking(a).ask(question(f"likes {a.user_id}s"), within=5.0) for a in askers)
    )
    assert "### Part 2" in server.asked[0].messages[1].content
    server.asked.clear()
    wrote = [Asker(user_id=a.user_id, said=("something slow",)) for a in askers]
    await asyncio.gather(
        *(made.asking(a).ask(question(f"{a.user_id}: something slow"), within=5.0) for a in wrote)
    )
    assert not any("### Part" in q.messages[1].content for q in server.asked)


async def test_who_is_forgotten_is_asked_for_anew() -> None:
    server = Server()
    made = economy(server)
    asker = Asker(user_id="ann", personal=True)
    await made.asking(asker).ask(question("x"), within=1.0)
    assert made.forget("ann") == 1
    await made.asking(asker).ask(question("x"), within=1.0)
    assert len(server.asked) == 2


def test_the_asker_of_a_draft_is_its_user_with_their_words_and_the_catalogues() -> None:
    slate = Slate(
        slate_id="s",
        user_id="ann",
        revision=1,
        strategy="hybrid",
        scenario="feed",
        trigger=Trigger("request", "t", 0.0, 0.0),
        items=(),
        ranked_by="engine",
        degraded=(),
        versions=Versions(encoder="e", index_generation=3),
        timings=Timings(),
        produced_at=0.0,
    )
    draft = Draft(
        slate=slate,
        refinement="rerank",
        candidates=(Candidate("i1", "Emma", 1.0, text="A comedy.", attributes={"by": "Austen"}),),
        history=(Had("i2", "Persuasion", "read", 0.0, 1.0),),
        n=5,
        interactions=1,
        deadline=9.0,
        words="something slow",
    )
    asker = asker_of(draft, language="en")
    assert (asker.user_id, asker.personal, asker.said) == ("ann", True, ("something slow",))
    assert {"Emma", "A comedy.", "Austen", "Persuasion"} <= asker.public
    assert (asker.catalogue, asker.language) == ("e/3", "en")


async def test_names_in_texts_of_the_catalogue_stay_and_other_personal_data_do_not() -> None:
    server = Server()
    text = '1 "Annie Hall by Jamie Pratt", call +44 7700 900123'
    await economy(server).about_items().ask(question(text), within=1.0)
    assert server.asked[0].messages[1].content == '1 "Annie Hall by Jamie Pratt", call [PHONE_1]'


async def test_what_tells_of_somebody_is_asked_anew_each_time() -> None:
    server = Server()
    made = economy(server)
    for personal in (False, False, True, True):
        await made.about_items(personal=personal).ask(question('1 "Annie Hall"'), within=1.0)
    assert len(server.asked) == 3


def test_a_budget_without_room_is_told_before_anybody_asks() -> None:
    made = economy(Server(), limits=Limits(user=0))
    assert made.spent("ann") == "budget-user"
    assert economy(Server()).spent("ann") == ""
