"""One question over the wire: what comes back is read, bounded, or has a reason."""

import asyncio
import contextlib
import inspect
import socket
import traceback
from collections.abc import AsyncIterator
from contextlib import aclosing

import httpx2
import openai
import pytest

from slates.calls import REASONS, CallFailed, Said
from slates.dialect import Dialect
from slates.llm import (
    _REASONS,
    LARGEST_REPLY,
    NO_KEY,
    OpenAIServer,
    reason_of,
)
from slates.model import Message, Question, Usage
from slates.testing import Asked, ModelServer, Reply, Script, Step
from slates.testing.script import cut, endless, failing, no_completion, not_utf8, say
from streams.errors import BadSetting

KEY = "sk-do-not-tell"
QUESTION = Question("test", "test/1", (Message("user", "Say yes."),), 10)


@pytest.fixture
async def there() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


async def ask(there: ModelServer, *steps: Step, key: str = KEY) -> Said:
    if steps:
        there.script = Script(*steps)
    async with aclosing(OpenAIServer(there.base_url, key=key, local_only=True)) as server:
        return await server.ask("small", QUESTION, dialect=Dialect())


async def failure(there: ModelServer, *steps: Step) -> CallFailed:
    with pytest.raises(CallFailed) as raised:
        await ask(there, *steps)
    return raised.value


async def test_an_answer_comes_with_what_the_server_counted(there: ModelServer) -> None:
    counted = {
        "prompt_tokens": 7,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 5},
    }
    said = await ask(there, say("yes", usage=counted))
    assert said == Said("yes", Usage(7, 5, 2), complete=True)
    assert there.requests[0].key == KEY
    assert there.requests[0].model == "small"
    assert there.requests[0].messages == [Message("user", "Say yes.")]


async def test_without_a_key_something_is_shown_all_the_same(there: ModelServer) -> None:
    await ask(there, key="")
    assert there.requests[0].key == NO_KEY


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"prompt_tokens": -1, "completion_tokens": 2},
        {"prompt_tokens": "many", "completion_tokens": 2},
        {"prompt_tokens": 3},
    ],
)
async def test_a_count_that_is_none_is_left_out(there: ModelServer, usage: dict) -> None:
    assert (await ask(there, say("yes", usage=usage))).usage is None


async def test_more_cached_tokens_than_tokens_are_not_believed(there: ModelServer) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 99}}
    said = await ask(there, say("y", usage={"prompt_tokens": 7, "completion_tokens": 1, **details}))
    assert said.usage == Usage(7, 7, 1)


async def test_an_answer_that_was_cut_off_at_its_length_says_so(there: ModelServer) -> None:
    assert not (await ask(there, say("[1, 2", finish="length"))).complete


@pytest.mark.parametrize(
    ("step", "reason", "passing"),
    [
        (failing(400), "rejected", False),
        (failing(400, message="maximum context length is 9"), "prompt-too-long", False),
        (failing(401), "wrong-key", False),
        (failing(403), "forbidden", False),
        (failing(404), "no-such-model", False),
        (failing(408), "timeout", True),
        (failing(409), "server-error", True),
        (failing(422), "rejected", False),
        (failing(429), "rate-limited", True),
        (failing(429, code="insufficient_quota"), "rate-limited", False),
        (failing(500), "server-error", True),
        (failing(503), "server-error", True),
        (failing(302, location="http://192.0.2.1/"), "server-error", False),
        (cut, "unreachable", True),
        (no_completion, "malformed", False),
        (not_utf8, "malformed", False),
        (say(""), "empty", False),
        (say(" \n"), "empty", False),
        (say("", finish="length"), "cut-off", False),
        (say("yes", finish="content_filter"), "filtered", False),
        (endless(LARGEST_REPLY), "reply-too-long", False),
        (failing(500, message="a" * LARGEST_REPLY), "reply-too-long", False),
    ],
)
async def test_every_failure_has_its_reason(
    there: ModelServer, step: Step, reason: str, passing: bool
) -> None:
    failed = await failure(there, step)
    assert (failed.reason, failed.passing) == (reason, passing)


async def test_bytes_that_are_no_text_are_refused_wherever_they_stand(there: ModelServer) -> None:
    def step(asked: Asked) -> Reply:
        return Reply(say("yes")(asked).body.replace(b"chatcmpl", b"\xe9"))

    assert (await failure(there, step)).reason == "malformed"


async def test_a_redirect_is_not_followed(there: ModelServer) -> None:
    async with ModelServer() as elsewhere:
        await failure(there, failing(307, location=f"{elsewhere.base_url}/chat/completions"))
        assert elsewhere.requests == []


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        url = f"http://127.0.0.1:{port}/v1"
        async with aclosing(OpenAIServer(url, key="", local_only=True)) as server:
            with pytest.raises(CallFailed) as raised:
                await server.ask("small", QUESTION, dialect=Dialect())
    assert (raised.value.reason, raised.value.passing) == ("unreachable", True)


async def test_half_a_character_in_a_prompt_is_no_crash(there: ModelServer) -> None:
    question = Question("test", "test/1", (Message("user", "\ud83d"),), 10)
    async with aclosing(OpenAIServer(there.base_url, key="", local_only=True)) as server:
        with pytest.raises(CallFailed, match="rejected"):
            await server.ask("small", question, dialect=Dialect())


async def test_a_reply_that_is_too_long_is_not_read_to_its_end() -> None:
    """It has none: the server says more than allowed, announces a terabyte, and stays there."""

    left = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {10**12}\r\n\r\n"
        writer.write(head.encode() + b" " * (LARGEST_REPLY + 1))
        with contextlib.suppress(ConnectionError):
            await reader.read()
            writer.close()
            await writer.wait_closed()
        left.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as endless_one:
        url = "http://{}:{}/v1".format(*endless_one.sockets[0].getsockname())
        async with aclosing(OpenAIServer(url, key="", local_only=True)) as server:
            with pytest.raises(CallFailed, match="more than"):
                await server.ask("small", QUESTION, dialect=Dialect())
        await left.wait()


async def test_the_pause_that_a_server_asks_for_is_passed_on(there: ModelServer) -> None:
    assert (await failure(there, failing(429, retry_after="7"))).pause == 7.0
    assert (await failure(there, failing(503))).pause is None


async def test_tokens_of_an_answer_that_is_of_no_use_are_told(there: ModelServer) -> None:
    counted = {"prompt_tokens": 30, "completion_tokens": 12}
    assert (await failure(there, say("", usage=counted))).tokens == 42


async def test_neither_the_key_nor_the_prompt_is_in_an_error(there: ModelServer) -> None:
    for status in (400, 401, 429, 500):
        failed = await failure(
            there, failing(status, code=f"bad {KEY}", message=f"{KEY}: 'Say yes.' is no prompt")
        )
        shown = "".join(traceback.format_exception(failed))
        assert KEY not in shown
        assert "Say yes" not in shown


async def test_the_key_is_in_no_text_about_the_server(there: ModelServer) -> None:
    async with aclosing(OpenAIServer(there.base_url, key=KEY, local_only=True)) as server:
        assert KEY not in f"{server!r} {server}"


ROOTS = {openai.OpenAIError, openai.APIError, openai.APIStatusError}
"""They stand for what has no class of its own."""
EXCEPTIONS = [
    kind
    for name, kind in inspect.getmembers(openai, inspect.isclass)
    if issubclass(kind, Exception) and not name.startswith("_") and kind not in ROOTS
]


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_every_exception_of_openai_has_a_reason_that_was_thought_of(kind: type[Exception]) -> None:
    assert next(base for base in kind.__mro__ if base in _REASONS) not in ROOTS


def _kinds_of(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*(_kinds_of(one) for one in kind.__subclasses__()))


def test_every_exception_that_there_is_or_will_be_has_one_of_the_reasons() -> None:
    kinds = _kinds_of(openai.OpenAIError) | _kinds_of(httpx2.HTTPError)
    assert len(EXCEPTIONS) > 12
    assert {reason_of(kind) for kind in kinds} <= set(REASONS)


@pytest.mark.parametrize(
    "url", ["https://api.example.com/v1", "http://192.168.0.4/v1", "http://127.0.0.1.example.com/"]
)
def test_a_server_elsewhere_is_refused_where_it_must_be_here(url: str) -> None:
    with pytest.raises(BadSetting, match="local_only"):
        OpenAIServer(url, key="", local_only=True)


async def test_no_proxy_is_asked_for_a_server_on_this_machine(
    there: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://192.0.2.1:9")
    assert (await ask(there)).text


async def test_nothing_is_taken_out_of_the_environment(
    there: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://192.0.2.1/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-of-somebody-else")
    await ask(there, key="")
    assert there.requests[0].key == NO_KEY


async def test_closing_twice_does_nothing(there: ModelServer) -> None:
    server = OpenAIServer(there.base_url, key="", local_only=True)
    await server.aclose()
    await server.aclose()
