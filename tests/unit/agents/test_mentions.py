"""Whole ids only, however they are written; what merely contains one is somebody else."""

import json

import msgspec
import pytest

from agents.mentions import Name

IDS = ["7", "ann", "o'brien", 'the "one"', "back\\slash", "søren", "ann@x.org", "a.b-c_d", "日本"]


@pytest.mark.parametrize("user_id", IDS)
@pytest.mark.parametrize("encode", [msgspec.json.encode, lambda o: json.dumps(o).encode()])
def test_an_id_is_found_in_json_however_it_is_escaped(user_id: str, encode: object) -> None:
    assert Name(user_id).is_in(encode({"deep": [{"who": user_id}]}))  # type: ignore[operator]
    assert Name(user_id).owns(encode({"user_id": user_id}))  # type: ignore[operator]


@pytest.mark.parametrize("user_id", [user_id for user_id in IDS if not user_id.isdecimal()])
def test_an_id_is_found_among_the_keys_of_an_object(user_id: str) -> None:
    assert Name(user_id).is_in(msgspec.json.encode({user_id: 1}))


def test_a_number_that_json_can_only_have_as_text_is_no_id() -> None:
    assert not Name("7").is_in(b'{"applied":{"7":120}}')


@pytest.mark.parametrize("user_id", IDS)
def test_a_longer_id_is_another_one(user_id: str) -> None:
    others = [
        f"1{user_id}",
        f"{user_id}1",
        f"{user_id}-a",
        f"a.{user_id}",
        f"{user_id}@x",
        f"x{user_id}",
    ]
    assert not Name(user_id).is_in(msgspec.json.encode(others))
    assert not Name(user_id).is_in(b"{ no json: " + ", ".join(others).encode())
    assert not Name(user_id).owns(msgspec.json.encode({"user_id": others[0]}))


@pytest.mark.parametrize("user_id", IDS)
def test_an_id_is_found_in_text_that_is_no_json(user_id: str) -> None:
    texts = (f"user {user_id!r}: no key", f"{user_id};click;1", f"<{user_id}>", f"by {user_id}.")
    for text in texts:
        assert Name(user_id).is_in(text.encode())


@pytest.mark.parametrize("value", [b"7", b'{"at":7,"n":[7.0,17]}', b'{"user_id":true}', b"null"])
def test_a_number_is_no_id(value: bytes) -> None:
    assert not Name("7").is_in(value)


def test_a_number_where_the_user_belongs_is_the_user() -> None:
    assert Name("7").is_in(b'{"user_id":7}')
    assert Name("7").owns(b'{"user_id":7}')


@pytest.mark.parametrize("word", ["None", "True", "user_id"])
def test_words_of_the_program_are_no_finds(word: str) -> None:
    assert not Name(word).owns(b'{"item_id":"dune","first":true,"value":null}')


@pytest.mark.parametrize("value", [None, b"", b"\xff\x00", b"[" * 10_000])
def test_any_bytes_can_be_looked_at(value: bytes | None) -> None:
    assert not Name("ann").is_in(value)
    assert not Name("ann").owns(value)


@pytest.mark.parametrize("user_id", IDS)
def test_a_whole_string_of_messagepack_is_exact(user_id: str) -> None:
    forms = Name(user_id).strings(1)
    assert any(form in msgspec.msgpack.encode({"k": user_id}) for form in forms)
    longer = msgspec.msgpack.encode([f"1{user_id}", f"{user_id}1", user_id * 2])
    assert not any(form in longer for form in forms)


def test_what_a_file_may_hold_by_chance_is_not_looked_for() -> None:
    assert Name("7").strings(100)
    assert not Name("7").strings(1_000_000)
    assert Name("user-1234").strings(10**12)
