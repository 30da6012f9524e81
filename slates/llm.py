"""
One question to one model over the API that most servers speak; the only importer of `openai`.

Whatever goes wrong becomes a `CallFailed` with a reason out of `Reason`.  Neither the key nor
anything the server says is in its text: servers quote prompts and keys in their complaints.
Importing this takes a second or more, which is for those who have a server only.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2
import msgspec
import openai

from slates.calls import CallFailed, Reason, Said
from slates.dialect import Dialect, parameters, too_long
from slates.model import Question, Usage
from slates.pauses import retry_after
from streams.errors import BadSetting

LARGEST_REPLY = 512 * 1024
"""Bytes.  4,000 tokens are 16 KB of text, 100 KB with every letter escaped, and as much again of
thoughts; what is longer is no answer, and reading on would cost memory for nothing."""
NO_KEY = "no-key"
"""Servers of one's own want none; the client wants something."""

_REASONS: Mapping[type[BaseException], Reason] = {
    httpx2.HTTPError: "unreachable",
    httpx2.StreamError: "unreachable",
    httpx2.TimeoutException: "timeout",
    UnicodeEncodeError: "rejected",  # half a character in a prompt
    openai.OpenAIError: "server-error",
    openai.APIError: "server-error",
    openai.APIStatusError: "server-error",
    openai.APIConnectionError: "unreachable",
    openai.APITimeoutError: "timeout",
    openai.APIResponseValidationError: "malformed",
    openai.BadRequestError: "rejected",
    openai.UnprocessableEntityError: "rejected",
    openai.AuthenticationError: "wrong-key",
    openai.OAuthError: "wrong-key",
    openai.PermissionDeniedError: "forbidden",
    openai.NotFoundError: "no-such-model",
    openai.ConflictError: "server-error",
    openai.RateLimitError: "rate-limited",
    openai.InternalServerError: "server-error",
    openai.LengthFinishReasonError: "cut-off",
    openai.ContentFilterFinishReasonError: "filtered",
    openai.InvalidWebhookSignatureError: "malformed",
    openai.WebSocketConnectionClosedError: "unreachable",
    openai.WebSocketQueueFullError: "unreachable",
}
_FOREIGN = (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, UnicodeEncodeError)
_PLAIN = re.compile(r"[\w.-]{1,60}")
"""What may be shown of a server's words: a code, never a sentence."""


class _TooLong(Exception):
    """A body longer than `LARGEST_REPLY`; of the server's answers and of its errors."""


class _Bounded(httpx2.AsyncByteStream):
    """A body of which no more is read than allowed."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for part in self._body:
            read += len(part)
            if read > LARGEST_REPLY:
                raise _TooLong
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()


async def _bound(response: httpx2.Response) -> None:
    response.stream = _Bounded(cast(httpx2.AsyncByteStream, response.stream))


def loopback(base_url: str) -> bool:
    """
    Is a server on this machine?

    >>> loopback("http://127.0.0.1:8000/v1"), loopback("https://api.example.com/v1")
    (True, False)
    """
    host = urlsplit(base_url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class OpenAIServer:
    """
    A `slates.calls.Server` that speaks the API of OpenAI; it must be closed.

    Redirects are not followed, and a server on this machine is never asked through a proxy: a
    prompt goes where the settings say and nowhere else.

    Args:
        base_url: Where its API begins, mostly ending in `/v1`.
        key: What it wants to be shown; empty for none.
        local_only: Refuse a server that is not on this machine; tests set it.
        now: Seconds since 1970, for servers that say until when they want to be left alone.

    Raises:
        BadSetting: It is somewhere else, and `local_only`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str,
        local_only: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        here = loopback(base_url)
        if local_only and not here:
            raise BadSetting(f"model server {base_url}: local_only, and it is not on this machine")
        self._where = urlsplit(base_url).netloc
        self._now = now
        key = key or NO_KEY
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=key,
            admin_api_key="",
            max_retries=0,
            # Said here, or the environment could put somebody else's key into its place.
            default_headers={"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"},
            http_client=openai.DefaultAsyncHttpxClient(
                timeout=None,  # the deadline is the caller's
                follow_redirects=False,
                trust_env=not here,
                event_hooks={"response": [_bound]},
            ),
        )
        self._client.organization = self._client.project = None  # not out of the environment
        # Looked up here, as it imports much: the first question must not hold up a worker's loop.
        self._create = self._client.chat.completions.with_streaming_response.create

    async def aclose(self) -> None:
        """Close its connections; closing twice does nothing."""
        await self._client.close()

    async def ask(
        self,
        name: str,
        question: Question,
        *,
        dialect: Dialect,
        temperature: float | None = None,
    ) -> Said:
        """Ask a model once, as `slates.calls.Server` has it."""
        body: dict[str, Any] = parameters(question, dialect, temperature=temperature)
        # Beside the checked parameters: the client takes 2 ms to look through messages.
        extra = {"messages": body.pop("messages")}
        who = f"{name} at {self._where}"
        try:
            async with self._create(model=name, messages=(), extra_body=extra, **body) as response:
                read = [part async for part in response.http_response.aiter_raw()]
        except _FOREIGN as exc:
            # Not `from exc`: its text is the server's, which a traceback would show.
            raise _failed(exc, who, now=self._now()) from None
        except _TooLong:
            text = f"{who}: a reply of more than {LARGEST_REPLY:,} bytes"
            raise CallFailed(text, reason="reply-too-long") from None
        return _read(b"".join(read), who)


def reason_of(kind: type[BaseException]) -> Reason:
    """The reason that a class of exceptions stands for, by itself or by what it is a kind of."""
    return next(_REASONS[base] for base in kind.__mro__ if base in _REASONS)


def _failed(exc: Exception, who: str, *, now: float) -> CallFailed:
    reason = reason_of(type(exc))
    if not isinstance(exc, openai.APIStatusError):
        text = f"{who}: {reason} ({type(exc).__name__})"
        return CallFailed(text, reason=reason, passing=reason == "unreachable")
    status, complaint = exc.status_code, str(exc.body)
    if status == 408:
        reason = "timeout"
    elif reason == "rejected" and too_long(complaint):
        reason = "prompt-too-long"
    code = f", {exc.code}" if exc.code and _PLAIN.fullmatch(exc.code) else ""
    return CallFailed(
        f"{who}: {reason} (HTTP {status}{code})",
        reason=reason,
        # An empty account is told with 429, too, and does not fill in a second.
        passing=(status in {408, 409, 429} or status >= 500) and exc.code != "insufficient_quota",
        pause=retry_after({k.lower(): v for k, v in exc.response.headers.items()}, now=now),
        complaint=complaint,
    )


class _Words(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Words
    finish_reason: str | None = None


class _Cached(msgspec.Struct):
    cached_tokens: int | None = None


class _Counted(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _Cached | None = None


class _Reply(msgspec.Struct):
    choices: list[_Choice]
    usage: msgspec.Raw = msgspec.Raw(b"null")


def _read(body: bytes, who: str) -> Said:
    try:
        body.decode()  # msgspec does not look at what it skips
        reply = msgspec.json.decode(body, type=_Reply)
    except (UnicodeDecodeError, msgspec.MsgspecError):
        text = f"{who}: a reply of {len(body):,} bytes that is no chat completion"
        raise CallFailed(text, reason="malformed") from None
    usage = _usage(reply.usage)
    tokens = 0 if usage is None else usage.total
    finish = reply.choices[0].finish_reason if reply.choices else None
    words = (reply.choices[0].message.content or "") if reply.choices else ""
    if finish == "content_filter":
        raise CallFailed(f"{who}: withheld by its filter", reason="filtered", tokens=tokens)
    if not words.strip():
        # A model that thinks can spend all it may say on thoughts.
        reason: Reason = "cut-off" if finish == "length" else "empty"
        raise CallFailed(f"{who}: an empty reply ({reason})", reason=reason, tokens=tokens)
    return Said(words, usage, finish != "length")


def _usage(raw: msgspec.Raw) -> Usage | None:
    """What a server counted; nonsense is as good as nothing."""
    try:
        counted = msgspec.json.decode(raw, type=_Counted | None)
    except msgspec.MsgspecError:
        return None
    if counted is None or min(counted.prompt_tokens, counted.completion_tokens) < 0:
        return None
    details = counted.prompt_tokens_details
    cached = (details.cached_tokens if details else None) or 0
    return Usage(
        prompt=counted.prompt_tokens,
        cached=min(max(cached, 0), counted.prompt_tokens),
        completion=counted.completion_tokens,
    )
