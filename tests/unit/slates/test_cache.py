"""Answers are given again to the same question, or to one that means the same."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace as changed

import numpy as np
import pytest
from msgspec.structs import replace

from slates.askers import Asker, told
from slates.books import Cause, Looked
from slates.cache import Cache, Cached
from slates.model import Answer, Message, Model, Question, Usage
from streams.errors import ModelUnavailable
from tests.support.clocks import Clock

WORDS = "a sad film about the sea"


class Server:
    def __init__(self, *texts: str) -> None:
        self._texts = list(texts)
        self.asked = 0

    async def ask(self, question: Question, *, within: float) -> Answer:
        self.asked += 1
        text = self._texts.pop(0) if self._texts else f"answer {self.asked}"
        return Answer(text, Usage(10, 0, 5), "m", 0.5)


class Books:
    def __init__(self) -> None:
        self.looks: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()

    def called(self, question: Question, **facts: object) -> None: ...

    def saved(self, strategy: str, *, cause: Cause, tokens: int) -> None:
        self.tokens[cause] += tokens

    def looked_up(self, outcome: Looked) -> None:
        self.looks[outcome] += 1


def everything_is_near(texts: Sequence[str]) -> np.ndarray:
    return np.ones((len(texts), 1), dtype=np.float32)


def asked(words: str = "", *, prompt: str = "p/1", system: str = "Recommend.") -> Question:
    messages = (Message("system", system), Message("user", f'words: "{told(words)}"'))
    return Question("chat", prompt, messages, 10)


def cache(**options: object) -> Cache:
    return Cache(**{"most": 10, "max_age": 60.0, **options})  # type: ignore[arg-type]


ANN = Asker(user_id="ann", said=(WORDS,), catalogue="c/1", language="en")


async def ask(model: Model, question: Question) -> str:
    return (await model.ask(question, within=1.0)).text


async def test_the_same_question_is_asked_once_and_its_second_answer_costs_nothing() -> None:
    server, books = Server(), Books()
    model = Cached(server, cache(), ANN, books=books)
    first = await model.ask(asked(WORDS), within=1.0)
    second = await model.ask(asked(WORDS), within=1.0)
    assert (server.asked, second.text, second.usage) == (1, first.text, Usage())
    assert books.looks == {"miss": 1, "exact": 1}
    assert books.tokens == {"cache-exact": 15}


@pytest.mark.parametrize(
    "asker",
    [
        changed(ANN, catalogue="c/2"),
        changed(ANN, constraints='{"year":1990}'),
        changed(ANN, language="de"),
    ],
)
async def test_another_catalogue_constraint_or_language_is_asked_anew(asker: Asker) -> None:
    server, kept = Server(), cache(encode=everything_is_near)
    await ask(Cached(server, kept, ANN), asked(WORDS))
    await ask(Cached(server, kept, asker), asked(WORDS))
    assert server.asked == 2


@pytest.mark.parametrize(
    "question",
    [
        asked(WORDS, prompt="p/2"),
        asked(WORDS, system="Recommend well."),
        replace(asked(WORDS), size="large"),
        replace(asked(WORDS), schema={"type": "object"}),
    ],
)
async def test_another_prompt_is_asked_anew(question: Question) -> None:
    server, kept = Server(), cache(encode=everything_is_near)
    model = Cached(server, kept, ANN)
    await ask(model, asked(WORDS))
    await ask(model, question)
    assert server.asked == 2


async def other_words(words: str) -> tuple[int, Counter[str]]:
    """Calls and looks after asking in two ways."""
    server, kept, books = Server(), cache(encode=everything_is_near), Books()
    await ask(Cached(server, kept, ANN, books=books), asked(WORDS))
    bob = changed(ANN, user_id="bob", said=(words,))
    await ask(Cached(server, kept, bob, books=books), asked(words))
    return server.asked, books.looks


async def test_a_request_that_means_the_same_is_answered_from_the_cache() -> None:
    calls, looks = await other_words("please suggest sad films about the sea")
    assert (calls, looks) == (1, {"miss": 1, "semantic": 1})


@pytest.mark.parametrize(
    "words",
    [
        "a sad film not about the sea",
        "2 sad films about the sea",
        "a sad film about the Sahara",
        "a sad film about the mountains",
    ],
)
async def test_a_near_request_that_means_something_else_is_asked(words: str) -> None:
    calls, looks = await other_words(words)
    assert (calls, looks) == (2, {"miss": 1, "different": 1})


async def test_a_request_that_is_not_near_is_asked() -> None:
    def by_length(texts: Sequence[str]) -> np.ndarray:
        return np.array([[1.0, 0.0] if len(t) == len(WORDS) else [0.0, 1.0] for t in texts])

    server, kept = Server(), cache(encode=by_length)
    await ask(Cached(server, kept, ANN), asked(WORDS))
    other = changed(ANN, said=("sad films about the sea",))
    await ask(Cached(server, kept, other), asked("sad films about the sea"))
    assert server.asked == 2


@pytest.mark.parametrize("words", [WORDS, "sad films about the sea"])
async def test_an_answer_from_a_history_is_for_nobody_else(words: str) -> None:
    server, kept = Server(), cache(encode=everything_is_near)
    ann = changed(ANN, personal=True)
    bob = changed(ann, user_id="bob", said=(words,))
    await ask(Cached(server, kept, ann), asked(WORDS))
    await ask(Cached(server, kept, bob), asked(words))
    assert server.asked == 2
    await ask(Cached(server, kept, ann), asked(WORDS))
    assert server.asked == 2


async def test_words_with_personal_data_are_for_nobody_else() -> None:
    words = "films that Jamie Pratt would like"
    server, kept = Server(), cache()
    await ask(Cached(server, kept, changed(ANN, said=(words,))), asked(words))
    await ask(Cached(server, kept, changed(ANN, said=(words,), user_id="bob")), asked(words))
    assert server.asked == 2


async def test_a_personal_question_of_nobody_is_not_kept() -> None:
    server, kept, books = Server(), cache(), Books()
    model = Cached(server, kept, Asker(personal=True), books=books)
    await ask(model, asked())
    await ask(model, asked())
    assert (server.asked, len(kept), books.looks) == (2, 0, {"passed": 2})


async def test_answers_grow_old() -> None:
    clock, server = Clock(), Server()
    model = Cached(server, cache(clock=clock), ANN)
    await ask(model, asked(WORDS))
    clock.now = 61.0
    await ask(model, asked(WORDS))
    assert server.asked == 2


async def test_the_least_used_makes_room() -> None:
    server, kept = Server(), cache(most=2)
    model = Cached(server, kept, Asker())
    for prompt in ("p/1", "p/2", "p/1", "p/3", "p/1"):
        await ask(model, asked(prompt=prompt))
    assert (server.asked, len(kept)) == (3, 2)


@pytest.mark.parametrize("text", ["", "not json", '{"half": '])
async def test_an_answer_without_its_form_is_not_given_again(text: str) -> None:
    server = Server(text, '{"fine": 1}')
    model = Cached(server, cache(), ANN)
    question = replace(asked(WORDS), schema={"type": "object"})
    await ask(model, question)
    assert await ask(model, question) == '{"fine": 1}'


async def test_a_failure_is_not_remembered() -> None:
    class Down:
        async def ask(self, question: Question, *, within: float) -> Answer:
            raise ModelUnavailable("down", reason="unreachable")

    kept = cache()
    with pytest.raises(ModelUnavailable):
        await Cached(Down(), kept, ANN).ask(asked(WORDS), within=1.0)
    assert len(kept) == 0


async def test_who_is_forgotten_leaves_nothing() -> None:
    server, kept = Server(), cache(encode=everything_is_near)
    await ask(Cached(server, kept, ANN), asked(WORDS))
    await ask(Cached(server, kept, changed(ANN, user_id="bob", catalogue="c/2")), asked(WORDS))
    assert (kept.forget("ann"), len(kept)) == (1, 1)
