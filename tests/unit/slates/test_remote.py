"""Models are asked over the wire, in their order, within a deadline, and not without end."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from slates.llm import OpenAIServer
from slates.model import Answer, Message, Question
from slates.remote import Manners, RemoteModel
from slates.testing import Asked, ModelServer, Reply, Script, Step
from slates.testing.script import after, cut, drip, failing, hang, not_utf8, say
from streams.errors import ModelUnavailable
from tests.support.clocks import Clock

KEY = "sk-do-not-tell"
ORDER = {"type": "object", "properties": {"order": {"type": "array"}}, "required": ["order"]}
QUESTION = Question("rerank", "rerank/1", (Message("user", '1 "Emma"\n2 "Dune"'),), 60, ORDER)
LARGE = Question("rerank", "rerank/1", QUESTION.messages, 60, ORDER, size="large")
MANNERS = Manners(small=("mini", "spare"), large=("maxi",), timeout=5.0, retries=2, failures=3)
SOON = 5.0
"""Seconds: far more than a call on this machine takes."""

Connect = Callable[..., RemoteModel]


@pytest.fixture
async def there() -> AsyncIterator[ModelServer]:
    async with ModelServer(key=KEY) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def connect(clock: Clock) -> AsyncIterator[Connect]:
    """Makes models whose connections are closed in the end."""
    async with AsyncExitStack() as opened:

        def one(there: ModelServer, *, key: str = KEY, **manners: object) -> RemoteModel:
            server = OpenAIServer(there.base_url, key=key, local_only=True)
            opened.push_async_callback(server.aclose)
            wanted = replace(MANNERS, **manners)
            return RemoteModel(server, wanted, estimate=len, clock=clock)

        yield one


async def reason(model: RemoteModel, question: Question = QUESTION, *, within: float = SOON) -> str:
    with pytest.raises(ModelUnavailable) as raised:
        await model.ask(question, within=within)
    return raised.value.reason


def names(there: ModelServer) -> list[str]:
    return [asked.model for asked in there.requests]


def only(name: str, step: Step) -> Step:
    """A step for one model; others answer."""
    return lambda asked: step(asked) if asked.model == name else say("[1]")(asked)


async def test_the_first_model_of_the_size_answers(there: ModelServer, connect: Connect) -> None:
    model = connect(there)
    answer = await model.ask(QUESTION, within=SOON)
    assert (answer.text, answer.model, answer.form) == ('{"order": [2, 1]}', "mini", "schema")
    assert answer.complete
    assert answer.usage.prompt > 0
    assert 0 < answer.seconds < SOON
    assert (await model.ask(LARGE, within=SOON)).model == "maxi"


async def test_the_small_ones_answer_where_there_are_no_large_ones(
    there: ModelServer, connect: Connect
) -> None:
    assert (await connect(there, large=()).ask(LARGE, within=SOON)).model == "mini"


async def test_what_a_server_does_not_count_is_estimated(
    there: ModelServer, connect: Connect
) -> None:
    there.script = Script(say("[2, 1]", usage={}))
    usage = (await connect(there).ask(QUESTION, within=SOON)).usage
    assert (usage.prompt, usage.completion) == (len('1 "Emma"\n2 "Dune"'), len("[2, 1]"))


async def test_an_answer_that_was_cut_off_says_so(there: ModelServer, connect: Connect) -> None:
    there.script = Script(say("[2, ", finish="length"))
    assert not (await connect(there).ask(QUESTION, within=SOON)).complete


@pytest.mark.parametrize(
    "step",
    [failing(404), failing(403), failing(500), failing(400), not_utf8, say("")],
    ids=["unknown", "forbidden", "broken", "rejects", "garbage", "empty"],
)
async def test_the_next_model_is_asked_where_one_fails(
    there: ModelServer, connect: Connect, step: Step
) -> None:
    there.script = Script(then=only("mini", step))
    assert (await connect(there, retries=0).ask(QUESTION, within=SOON)).model == "spare"


async def test_the_next_model_is_asked_where_one_hangs(
    there: ModelServer, connect: Connect
) -> None:
    there.script = Script(then=only("mini", hang))
    answer = await connect(there, timeout=0.2).ask(QUESTION, within=SOON)
    assert answer.model == "spare"
    assert answer.seconds >= 0.2


async def test_what_an_answer_of_no_use_has_cost_is_added(
    there: ModelServer, connect: Connect
) -> None:
    wasted = say("", usage={"prompt_tokens": 30, "completion_tokens": 12})
    good = say("[1]", usage={"prompt_tokens": 30, "completion_tokens": 3})
    there.script = Script(wasted, good)
    assert (await connect(there).ask(QUESTION, within=SOON)).usage.total == 75
    there.script = Script(wasted, wasted)
    with pytest.raises(ModelUnavailable) as raised:
        await connect(there).ask(QUESTION, within=SOON)
    assert (raised.value.reason, raised.value.tokens) == ("empty", 84)


@pytest.mark.parametrize("step", [hang, drip(0.05), after(2.0, say("[1]"))])
async def test_nothing_lasts_longer_than_the_deadline(
    there: ModelServer, connect: Connect, step: Step
) -> None:
    there.script = Script(then=step)
    began = time.monotonic()
    assert await reason(connect(there), within=0.3) == "timeout"
    assert time.monotonic() - began < 1.0
    assert names(there) == ["mini"]


async def test_after_the_deadline_nobody_is_asked(there: ModelServer, connect: Connect) -> None:
    assert await reason(connect(there), within=0.0) == "timeout"
    assert there.requests == []


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
async def test_what_may_pass_is_tried_again(
    there: ModelServer, connect: Connect, status: int
) -> None:
    there.script = Script(failing(status), failing(status))
    assert (await connect(there).ask(QUESTION, within=SOON)).model == "mini"
    assert names(there) == ["mini"] * 3


async def test_a_connection_that_breaks_is_tried_again(
    there: ModelServer, connect: Connect
) -> None:
    there.script = Script(cut)
    assert (await connect(there).ask(QUESTION, within=SOON)).model == "mini"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_what_will_not_pass_is_not(there: ModelServer, connect: Connect, status: int) -> None:
    there.script = Script(then=failing(status, message="maximum context length is 9"))
    await reason(connect(there, small=("mini",)))
    assert names(there) == ["mini"]


async def test_a_pause_that_is_asked_for_is_kept(there: ModelServer, connect: Connect) -> None:
    there.script = Script(failing(429, retry_after="1"))
    assert (await connect(there).ask(QUESTION, within=SOON)).seconds >= 1.0


async def test_no_pause_goes_past_the_deadline_and_it_is_kept_by_later_questions(
    there: ModelServer, connect: Connect, clock: Clock
) -> None:
    model = connect(there, small=("mini",))
    there.script = Script(failing(429, retry_after="60"))
    began = time.monotonic()
    assert await reason(model) == "rate-limited"
    assert time.monotonic() - began < 1.0
    clock.now += 59
    assert await reason(model) == "rate-limited"
    assert len(there.requests) == 1
    clock.now += 1
    assert (await model.ask(QUESTION, within=SOON)).model == "mini"


async def test_retries_end_where_they_must(there: ModelServer, connect: Connect) -> None:
    there.script = Script(then=failing(500))
    assert await reason(connect(there, small=("mini",), failures=99)) == "server-error"
    assert len(there.requests) == 3


async def test_a_dead_model_is_left_alone_and_recovers(
    there: ModelServer, connect: Connect, clock: Clock
) -> None:
    there.script = Script(then=failing(500))
    model = connect(there, small=("mini",), retries=0, rest=30.0)
    assert not model.resting
    assert [await reason(model) for _ in range(5)] == ["server-error"] * 3 + ["breaker-open"] * 2
    assert len(there.requests) == 3
    assert model.resting
    there.script = Script()
    clock.now += 30
    assert not model.resting
    assert (await model.ask(QUESTION, within=SOON)).model == "mini"


async def test_a_model_that_hangs_opens_the_breaker_though_each_deadline_ends_the_question(
    there: ModelServer, connect: Connect
) -> None:
    there.script = Script(then=hang)
    model = connect(there, small=("mini",))
    assert [await reason(model, within=0.05) for _ in range(4)][-1] == "breaker-open"


async def test_questions_that_are_at_fault_themselves_do_not_open_it(
    there: ModelServer, connect: Connect
) -> None:
    there.script = Script(then=failing(400, message="maximum context length is 9"))
    model = connect(there, small=("mini",))
    assert {await reason(model) for _ in range(5)} == {"prompt-too-long"}


async def test_no_more_are_asked_at_a_time_than_allowed(
    there: ModelServer, connect: Connect
) -> None:
    there.script = Script(then=after(0.05, say("[1]")))
    model = connect(there, concurrency=2)
    answers = await asyncio.gather(*(model.ask(QUESTION, within=SOON) for _ in range(6)))
    assert len(answers) == 6
    assert there.most_at_once == 2


async def test_waiting_for_a_turn_counts_against_the_deadline(
    there: ModelServer, connect: Connect
) -> None:
    there.script = Script(then=hang)
    model = connect(there, concurrency=1, small=("mini",))
    first = asyncio.create_task(reason(model, within=0.6))
    await asyncio.sleep(0.1)
    assert await reason(model, within=0.2) == "busy"
    assert await first == "timeout"
    assert len(there.requests) == 1


async def test_a_question_that_is_cancelled_gives_its_turn_back(
    there: ModelServer, connect: Connect
) -> None:
    there.script = Script(hang)
    model = connect(there, concurrency=1)
    asking = asyncio.create_task(model.ask(QUESTION, within=SOON))
    await asyncio.sleep(0.1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await model.ask(QUESTION, within=SOON)).model == "mini"


async def test_a_wrong_key_is_one_question_and_one_line(
    there: ModelServer, connect: Connect, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    model = connect(there, key="sk-wrong", hopeless_rest=300.0)
    with caplog.at_level(logging.WARNING, "headwater"):
        assert {await reason(model, q) for q in (QUESTION, LARGE) * 3} == {"wrong-key"}
    assert len(there.requests) == 1
    (record,) = caplog.records
    assert "wrong-key" in record.getMessage()
    assert "sk-wrong" not in caplog.text
    clock.now += 300
    await reason(model)
    assert len(there.requests) == 2


async def test_a_model_that_is_not_there_is_asked_for_once(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async with ModelServer(models={"spare"}) as there:
        model = connect(there)
        with caplog.at_level(logging.WARNING, "headwater"):
            answers = [await model.ask(QUESTION, within=SOON) for _ in range(3)]
        assert names(there) == ["mini", "spare", "spare", "spare"]
    assert {answer.model for answer in answers} == {"spare"}
    assert len(caplog.records) == 1
    assert "mini" in caplog.text


async def test_a_server_that_is_not_there_is_not_asked_for_the_next_model(
    connect: Connect,
) -> None:
    async with ModelServer() as there:
        model = connect(there, retries=0)
    with pytest.raises(ModelUnavailable, match="unreachable") as raised:
        await model.ask(QUESTION, within=SOON)
    assert "spare" not in str(raised.value)


async def test_questions_that_meet_the_same_wall_together_are_one_line(
    there: ModelServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    there.script = Script(then=after(0.1, failing(429, retry_after="60")))
    model = connect(there, small=("mini",))
    with caplog.at_level(logging.WARNING, "headwater"):
        await asyncio.gather(*(reason(model) for _ in range(2)))
    assert len(there.requests) == 2
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("forms", "form", "tries"),
    [
        ({"schema", "json", "text"}, "schema", ["schema"]),
        ({"json", "text"}, "json", ["schema", "json"]),
        ({"text"}, "text", ["schema", "json", "text"]),
    ],
)
async def test_what_a_server_rejects_is_not_asked_of_it_again(
    connect: Connect, forms: set[str], form: str, tries: list[str]
) -> None:
    async with ModelServer(forms=forms) as there:
        model = connect(there)
        answers: list[Answer] = [await model.ask(QUESTION, within=SOON) for _ in range(2)]
        assert [asked.form for asked in there.requests] == [*tries, form]
    assert {answer.form for answer in answers} == {form}


async def test_forms_are_remembered_for_each_model(connect: Connect) -> None:
    def pedantic(asked: Asked) -> Reply:
        lacks = asked.model == "mini" and asked.form == "schema"
        return (failing(422, message="response_format") if lacks else say("[1]"))(asked)

    async with ModelServer(Script(then=pedantic)) as there:
        model = connect(there)
        await model.ask(QUESTION, within=SOON)
        await model.ask(LARGE, within=SOON)
        forms = [(asked.model, asked.form) for asked in there.requests]
    assert forms == [("mini", "schema"), ("mini", "json"), ("maxi", "schema")]


async def test_a_form_that_did_not_help_is_not_remembered(
    there: ModelServer, connect: Connect
) -> None:
    model = connect(there, small=("mini",))
    there.script = Script(*[failing(400, message="no")] * 3)
    assert await reason(model) == "rejected"
    assert (await model.ask(QUESTION, within=SOON)).form == "schema"


async def test_models_that_reason_are_asked_as_they_want_it(connect: Connect) -> None:
    def reasoning(asked: Asked) -> Reply:
        for name in ("max_tokens", "temperature"):
            if name in asked.body:
                return failing(400, message=f"Unsupported parameter: '{name}'")(asked)
        return say("[1]")(asked)

    async with ModelServer(Script(then=reasoning)) as there:
        answer = await connect(there).ask(QUESTION, within=SOON)
        assert there.requests[-1].body["max_completion_tokens"] == 60
    assert answer.form == "schema"
