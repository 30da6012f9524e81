"""The model server speaks the API as it is, and does what its script says."""

import json

import openai
import pytest

from slates.model import Message
from slates.testing import Asked, ModelServer, Script
from slates.testing.script import (
    Text,
    failing,
    inventing,
    prose,
    repeating,
    say,
    wrong_json,
)

ASKED = Asked(
    {
        "model": "mini",
        "messages": [{"role": "user", "content": '1 "Emma"\n2 "Dune"\n3 "Solaris"'}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "order",
                "schema": {"type": "object", "properties": {"order": {"type": "array"}}},
            },
        },
    },
    "",
)


def said(text: Text) -> str:
    reply = json.loads(Script(say(text))(ASKED).body)
    content: str = reply["choices"][0]["message"]["content"]
    return content


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("yes", "yes"),
        (repeating, '{"order": [3, 3, 3, 2, 1]}'),
        (inventing, '{"order": [999, 3, -1, 2, 1]}'),
    ],
)
def test_answers_can_be_wrong_in_many_ways(text: Text, wanted: str) -> None:
    assert said(text) == wanted


def test_json_can_be_broken_off() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(said(wrong_json))


def test_json_can_be_wrapped_into_prose() -> None:
    assert '```json\n{"order": [3, 2, 1]}\n```' in said(prose)


def test_a_request_can_be_looked_at() -> None:
    assert ASKED.form == "schema"
    assert ASKED.model == "mini"
    assert ASKED.messages == [Message("user", '1 "Emma"\n2 "Dune"\n3 "Solaris"')]


async def test_the_client_of_openai_understands_it() -> None:
    async with (
        ModelServer(models=["mini"], key="sk-1") as there,
        openai.AsyncOpenAI(base_url=there.base_url, api_key="sk-1", max_retries=0) as client,
    ):
        models = await client.models.list()
        completion = await client.chat.completions.create(
            model="mini", messages=[{"role": "user", "content": '1 "Emma"\n2 "Dune"'}]
        )
    assert [model.id for model in models.data] == ["mini"]
    assert completion.choices[0].message.content == "[2, 1]"
    assert completion.usage is not None


async def test_its_errors_are_those_of_the_api() -> None:
    async with (
        ModelServer(Script(failing(429, retry_after="3"))) as there,
        openai.AsyncOpenAI(base_url=there.base_url, api_key="sk-1", max_retries=0) as client,
    ):
        with pytest.raises(openai.RateLimitError) as raised:
            await client.chat.completions.create(
                model="mini", messages=[{"role": "user", "content": "?"}]
            )
    assert raised.value.response.headers["Retry-After"] == "3"
