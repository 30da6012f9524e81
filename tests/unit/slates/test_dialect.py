"""How a server is asked, and how it is asked after it has complained."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from slates.dialect import Dialect, form_of, parameters, simpler, too_long
from slates.model import Message, Question

QUESTION = Question(
    "rerank", "rerank/1", (Message("user", "1 2 3"),), 60, schema={"type": "object"}
)
PLAIN = replace(QUESTION, schema=None)


def test_the_strictest_form_comes_first() -> None:
    form = parameters(QUESTION, Dialect())["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"] == {"name": "rerank-1", "strict": True, "schema": {"type": "object"}}


def test_a_question_without_a_schema_is_asked_in_plain_text() -> None:
    assert "response_format" not in parameters(PLAIN, Dialect())
    assert form_of(PLAIN, Dialect()) == "text"


@pytest.mark.parametrize(("wanted", "sent"), [(0.0, 0.1), (0.2, 0.2), (1.5, 0.3)])
def test_temperatures_stay_within_their_bounds(wanted: float, sent: float) -> None:
    assert parameters(QUESTION, Dialect(), temperature=wanted)["temperature"] == sent


def test_a_temperature_of_the_settings_goes_before_that_of_the_prompt() -> None:
    assert parameters(QUESTION, Dialect())["temperature"] == 0.2
    assert parameters(QUESTION, Dialect(), temperature=0.3)["temperature"] == 0.3


@pytest.mark.parametrize(
    ("complaint", "wanted"),
    [
        ("'response_format' of type 'json_schema' is not supported", Dialect(form="json")),
        ("{'loc': ['body', 'response_format'], 'msg': 'extra'}", Dialect(form="json")),
        ("", Dialect(form="json")),
        (
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            Dialect(limit="max_completion_tokens"),
        ),
        ("'temperature' does not support 0.2 with this model", Dialect(temperature=False)),
    ],
)
def test_what_is_rejected_is_left_out(complaint: str, wanted: Dialect) -> None:
    assert simpler(QUESTION, Dialect(), complaint=complaint) == wanted


@pytest.mark.parametrize(
    "complaint",
    [
        "This model's maximum context length is 4096 tokens, 'max_tokens' is 60",
        "the request exceeds the available context size",
        "{'code': 'context_length_exceeded'}",
        "prompt is too long: 9000 tokens",
    ],
)
def test_a_prompt_that_is_too_long_is_so_in_any_form(complaint: str) -> None:
    assert too_long(complaint)
    assert simpler(QUESTION, Dialect(), complaint=complaint) is None


@given(st.lists(st.sampled_from(["response_format", "max_tokens", "temperature", "no"])))
def test_there_is_an_end_to_simplicity(complaints: list[str]) -> None:
    dialect: Dialect | None = Dialect()
    seen = []
    for complaint in complaints * 3:
        if dialect is None:
            break
        assert dialect not in seen
        seen.append(dialect)
        dialect = simpler(QUESTION, dialect, complaint=complaint)
    assert len(seen) <= 5


def test_plain_text_is_the_last_form() -> None:
    assert simpler(QUESTION, Dialect(form="text"), complaint="no") is None
    assert simpler(PLAIN, Dialect(), complaint="no") is None
