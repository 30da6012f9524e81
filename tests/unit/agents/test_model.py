"""From settings to a model or to none, and what the doctor says about the one there is."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agents.commands.checking import check_model
from agents.diagnosis import Finding
from agents.model import connect, make_model, manners, most_tokens
from agents.model_settings import ModelSettings
from agents.settings import load_settings
from slates.cassettes import Cassette
from slates.model import Message, Question
from slates.testing import ModelServer, Script
from slates.testing.script import failing, hang, say
from streams.errors import BadSetting, SetupError

KEY = "sk-do-not-tell"
QUESTION = Question("rerank", "rerank/1", (Message("user", '1 "Emma"\n2 "Dune"'),), 60)


def settings(there: ModelServer | str = "", **others: object) -> ModelSettings:
    url = there if isinstance(there, str) else there.base_url
    given = {"base_url": url, "small": "mini", "local_only": True, **others}
    return ModelSettings(**given)  # type: ignore[arg-type]


def one(findings: list[Finding]) -> tuple[str, str, str]:
    (finding,) = findings
    assert KEY not in f"{finding}"
    return finding.level, finding.text, finding.advice


def test_without_a_server_there_is_no_model() -> None:
    assert connect(ModelSettings()) is None
    assert make_model(ModelSettings(), server=None) is None


async def test_a_model_answers_as_the_settings_say() -> None:
    async with ModelServer(key=KEY) as there:
        wanted = settings(there, api_key=KEY, temperature=0.3)
        server = connect(wanted)
        assert server is not None
        model = make_model(wanted, server=server)
        assert model is not None
        answer = await model.ask(QUESTION, within=5.0)
        await server.aclose()
        assert there.requests[0].body["temperature"] == 0.3
    assert (answer.text, answer.model) == ("[2, 1]", "mini")


def test_every_setting_of_how_it_is_asked_gets_there() -> None:
    asked = manners(
        settings(
            small="a, b",
            large="c",
            timeout=3,
            concurrency=2,
            retries=1,
            breaker_failures=4,
            breaker_rest=5,
            hopeless_rest=6,
            temperature=0.1,
        )
    )
    assert (asked.small, asked.large, asked.temperature) == (("a", "b"), ("c",), 0.1)
    assert (asked.timeout, asked.concurrency, asked.retries) == (3.0, 2, 1)
    assert (asked.failures, asked.rest, asked.hopeless_rest) == (4, 5.0, 6.0)


def test_no_test_can_reach_a_server_elsewhere() -> None:
    far = load_settings(model={"base_url": "https://api.example.com/v1", "small": ["a"]})
    assert far.model.local_only
    with pytest.raises(BadSetting, match="local_only"):
        connect(far.model)


async def test_a_cassette_is_recorded_and_then_needs_no_server(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    async with ModelServer() as there:
        wanted = settings(there, cassette=tape, cassette_mode="record")
        server = connect(wanted)
        assert server is not None
        recording = make_model(wanted, server=server)
        assert recording is not None
        await recording.ask(QUESTION, within=5.0)
        await server.aclose()
    played = settings(there, cassette=tape)
    assert connect(played) is None
    replaying = make_model(played, server=None)
    assert isinstance(replaying, Cassette)
    assert (await replaying.ask(QUESTION, within=5.0)).text == "[2, 1]"


def test_a_cassette_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"tape\.jsonl"):
        make_model(settings(cassette=tmp_path / "tape.jsonl"), server=None)


def test_an_estimate_without_a_tokenizer_is_never_too_low() -> None:
    assert most_tokens("naïve 東京 \ud83d") >= len("naïve 東京 ?".encode())


async def test_the_doctor_says_that_it_is_off() -> None:
    level, text, _ = one(await check_model(ModelSettings()))
    assert level == "ok"
    assert "HEADWATER_MODEL__BASE_URL" in text


async def test_the_doctor_says_who_answers_and_how_fast() -> None:
    async with ModelServer(key=KEY) as there:
        findings = await check_model(settings(there, api_key=KEY, large="maxi, mini"))
    assert [finding.level for finding in findings] == ["ok", "ok"]
    assert "mini at 127.0.0.1" in findings[0].text
    assert "answers in" in findings[0].text
    assert "maxi" in findings[1].text


async def test_a_model_that_says_nothing_to_a_short_question_is_well() -> None:
    async with ModelServer(Script(say("", finish="length"))) as there:
        assert one(await check_model(settings(there)))[0] == "ok"


async def test_a_wrong_key_is_one_line_for_all_models() -> None:
    async with ModelServer(key=KEY) as there:
        found = await check_model(settings(there, api_key="sk-wrong", large="maxi"))
        assert len(there.requests) == 1
    level, text, advice = one(found)
    assert (level, advice) == ("failure", "set HEADWATER_MODEL__API_KEY")
    assert "refuses the key" in text
    assert "sk-wrong" not in text


async def test_a_model_that_the_server_does_not_have_is_named() -> None:
    async with ModelServer(models={"other"}) as there:
        level, text, advice = one(await check_model(settings(there)))
    assert level == "failure"
    assert "mini" in text
    assert "HEADWATER_MODEL__SMALL" in advice


async def test_a_server_that_is_not_there_is_a_failure() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        level, text, _ = one(await check_model(settings(url, large="maxi")))
    assert (level, "nobody answers" in text) == ("failure", True)


@pytest.mark.parametrize(
    ("step", "said"),
    [(hang, "in time"), (failing(429), "no more questions"), (failing(500), "server-error")],
)
async def test_other_trouble_is_a_failure_that_says_what(step: object, said: str) -> None:
    async with ModelServer(Script(then=step)) as there:  # type: ignore[arg-type]
        async with asyncio.timeout(5):
            level, text, advice = one(await check_model(settings(there, timeout=0.3)))
    assert level == "failure"
    assert said in text
    assert advice


async def test_the_doctor_asks_nobody_where_answers_are_replayed(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    level, text, _ = one(await check_model(settings(cassette=tape)))
    assert level == "failure"
    assert str(tape) in text
    tape.touch()
    level, text, _ = one(await check_model(settings(cassette=tape)))
    assert (level, "0 answers" in text) == ("ok", True)


async def test_the_doctor_refuses_a_server_elsewhere_that_must_be_here() -> None:
    level, text, _ = one(await check_model(settings("https://api.example.com/v1")))
    assert (level, "local_only" in text) == ("failure", True)


def said_by(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_who_has_no_server_does_not_pay_for_its_client() -> None:
    program = (
        "import sys, agents.__main__, agents.app, agents.model; print('openai' in sys.modules)"
    )
    assert said_by(program) == "False"


def test_the_client_is_complete_before_the_first_question() -> None:
    program = (
        "import sys, slates.llm as llm;"
        "llm.OpenAIServer('http://127.0.0.1:1/v1', key='', local_only=True);"
        "print('openai.resources.chat.completions' in sys.modules)"
    )
    assert said_by(program) == "True"
