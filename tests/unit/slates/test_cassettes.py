"""What a model said is played again, word by word; what was not recorded is an error."""

import logging
import multiprocessing
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from slates.cassettes import Cassette, Mode, key_of
from slates.llm import OpenAIServer
from slates.model import Answer, Message, Model, Question, Usage
from slates.remote import Manners, RemoteModel
from slates.testing import ModelServer
from streams.errors import ModelUnavailable, SetupError

QUESTION = Question("rerank", "rerank/1", (Message("user", '1 "Emma"\n2 "Dune"'),), 60, {"a": 1})


class Counting:
    """A model that counts, and knows nothing else."""

    def __init__(self, fails: str = "") -> None:
        self.asked = 0
        self.fails = fails

    async def ask(self, question: Question, *, within: float) -> Answer:
        self.asked += 1
        if self.fails:
            raise ModelUnavailable("no", reason=self.fails)
        return Answer(f"answer {self.asked}", Usage(1, 0, 2), "mini-0613", 0.5, "json")


def cassette(path: Path, mode: Mode, model: Model | None = None) -> Cassette:
    return Cassette(path / "tape.jsonl", mode=mode, small="mini", large="maxi", model=model)


async def reason(model: Model, question: Question = QUESTION) -> str:
    with pytest.raises(ModelUnavailable) as raised:
        await model.ask(question, within=1.0)
    return raised.value.reason


async def test_what_was_recorded_is_played_without_a_model(tmp_path: Path) -> None:
    recorded = await cassette(tmp_path, "record", Counting()).ask(QUESTION, within=1.0)
    assert await cassette(tmp_path, "replay").ask(QUESTION, within=1.0) == recorded


async def test_recording_asks_every_time_and_the_last_answer_counts(tmp_path: Path) -> None:
    model = Counting()
    recording = cassette(tmp_path, "record", model)
    for _ in range(2):
        await recording.ask(QUESTION, within=1.0)
    assert model.asked == 2
    assert (await cassette(tmp_path, "replay").ask(QUESTION, within=1.0)).text == "answer 2"


async def test_replay_or_record_asks_once(tmp_path: Path) -> None:
    model = Counting()
    for _ in range(2):
        both = cassette(tmp_path, "replay-or-record", model)
        assert [(await both.ask(QUESTION, within=1.0)).text for _ in range(2)] == ["answer 1"] * 2
    assert model.asked == 1


async def test_a_failure_is_played_as_well(tmp_path: Path) -> None:
    assert await reason(cassette(tmp_path, "record", Counting("timeout"))) == "timeout"
    assert await reason(cassette(tmp_path, "replay")) == "timeout"


async def test_replay_or_record_asks_again_what_had_failed(tmp_path: Path) -> None:
    assert await reason(cassette(tmp_path, "replay-or-record", Counting("timeout"))) == "timeout"
    both = cassette(tmp_path, "replay-or-record", Counting())
    assert (await both.ask(QUESTION, within=1.0)).text == "answer 1"


async def test_a_missing_answer_is_named_by_prompt_and_key(tmp_path: Path) -> None:
    await cassette(tmp_path, "record", Counting()).ask(QUESTION, within=1.0)
    other = replace(QUESTION, prompt="rerank/2")
    with pytest.raises(ModelUnavailable) as raised:
        await cassette(tmp_path, "replay").ask(other, within=1.0)
    assert raised.value.reason == "not-recorded"
    assert "rerank/2" in str(raised.value)
    assert key_of(other, model="mini") in str(raised.value)


def test_there_must_be_something_to_play_or_somebody_to_record(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no such file"):
        cassette(tmp_path, "replay")
    with pytest.raises(SetupError, match="needs a model server"):
        cassette(tmp_path, "record")


words = st.text("ab \n\t", min_size=1)


@given(words)
def test_spaces_make_no_difference(text: str) -> None:
    asked = replace(QUESTION, messages=(Message("user", text),))
    tidy = replace(QUESTION, messages=(Message("user", " ".join(text.split())),))
    assert key_of(asked, model="m") == key_of(tidy, model="m")


def test_the_order_of_keys_makes_no_difference() -> None:
    one, other = ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1})
    keys = {key_of(replace(QUESTION, schema=schema), model="m") for schema in (one, other)}
    assert len(keys) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(QUESTION, prompt="rerank/2"),
        replace(QUESTION, messages=(Message("user", '1 "Emma" 2 "Dune" 3 "Solaris"'),)),
        replace(QUESTION, messages=(Message("system", QUESTION.messages[0].content),)),
        replace(QUESTION, schema=None),
        replace(QUESTION, max_tokens=61),
        replace(QUESTION, temperature=0.1),
    ],
)
def test_what_matters_makes_another_key(other: Question) -> None:
    assert key_of(other, model="m") != key_of(QUESTION, model="m")


async def test_each_size_has_the_key_of_its_model(tmp_path: Path) -> None:
    await cassette(tmp_path, "record", Counting()).ask(QUESTION, within=1.0)
    replaying = cassette(tmp_path, "replay")
    assert await reason(replaying, replace(QUESTION, size="large")) == "not-recorded"


async def test_a_damaged_line_is_named_and_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await cassette(tmp_path, "record", Counting()).ask(QUESTION, within=1.0)
    tape = tmp_path / "tape.jsonl"
    good = tape.read_bytes()
    tape.write_bytes(b'{"key": \xff\n' + good + b'{"key": "ab", "mod')
    with caplog.at_level(logging.WARNING, "headwater"):
        replaying = cassette(tmp_path, "replay")
    assert (await replaying.ask(QUESTION, within=1.0)).text == "answer 1"
    assert "line 1" in caplog.text
    assert "line 3" in caplog.text
    assert (tmp_path / "tape.jsonl.damaged").read_bytes() == b'{"key": \xff\n{"key": "ab", "mod'


async def test_a_line_that_was_broken_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    (tmp_path / "tape.jsonl").write_bytes(b'{"key": "ab", "mod')
    await cassette(tmp_path, "replay-or-record", Counting()).ask(QUESTION, within=1.0)
    assert (await cassette(tmp_path, "replay").ask(QUESTION, within=1.0)).text == "answer 1"


def _record_some(path: Path, name: str) -> None:
    import asyncio

    async def record() -> None:
        recording = cassette(path, "record", Counting())
        for number in range(50):
            asked = replace(QUESTION, prompt=f"{name}/{number}")
            await recording.ask(asked, within=1.0)

    asyncio.run(record())


def test_several_processes_may_record_at_the_same_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_record_some, args=(tmp_path, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert len(cassette(tmp_path, "replay")) == 150
    assert not (tmp_path / "tape.jsonl.damaged").exists()


async def test_no_key_of_a_server_is_recorded(tmp_path: Path) -> None:
    key = "sk-do-not-tell"
    async with ModelServer(key=key) as there:
        async with aclosing(OpenAIServer(there.base_url, key=key, local_only=True)) as server:
            model = RemoteModel(server, Manners(small=("mini",)), estimate=len)
            await cassette(tmp_path, "record", model).ask(QUESTION, within=5.0)
        assert there.requests[0].key == key
    tape = (tmp_path / "tape.jsonl").read_text()
    assert "rerank/1" in tape
    assert key not in tape
