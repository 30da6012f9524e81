"""Whatever stands on `items` is a clean item, the end of one, or refused with a reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import MalformedItem, RejectedEvent
from streams.events import MAX_ID_CHARS
from streams.items import (
    MAX_TEXT_CHARS,
    Item,
    ItemFacts,
    attribute_words,
    clean_attribute,
    clean_text,
    content_hash,
    decode_item,
    encode_item,
)
from tests.support.laws import law

LAW = law(50)
DUNE: dict[str, Any] = {
    "title": "Dune",
    "description": "Sand.",
    "tags": ["classic"],
    "attributes": {"author": "Herbert", "year": 1965, "subjects": ["sand", "empire"]},
    "published_at": -139_000_000.0,
}
DEEP = b"[" * 5000 + b"]" * 5000

WORDS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
ITEMS = st.builds(
    Item,
    item_id=st.just("dune"),
    title=WORDS.map("a{}".format),
    description=st.just("") | WORDS,
    tags=st.lists(WORDS, max_size=3).map(tuple),
    attributes=st.dictionaries(
        WORDS,
        WORDS | st.floats(allow_nan=False, allow_infinity=False) | st.lists(WORDS).map(tuple),
        max_size=3,
    ),
    published_at=st.none() | st.floats(-1e10, 1e10),
)


def read(fields: dict[str, Any] = DUNE, **changes: Any) -> Item:
    """Decode what a sender with these fields would send; a change to None leaves one out."""
    sent = {name: value for name, value in {**fields, **changes}.items() if value is not None}
    _, item = decode_item(b"dune", json.dumps(sent).encode())
    assert item is not None
    return item


# What is taken


def test_an_item_has_all_that_was_sent_and_the_key_as_its_id() -> None:
    assert read() == Item(
        item_id="dune",
        title="Dune",
        description="Sand.",
        tags=("classic",),
        attributes={"author": "Herbert", "year": 1965.0, "subjects": ("sand", "empire")},
        published_at=-139_000_000.0,
    )


def test_a_record_without_a_value_takes_the_item_out() -> None:
    assert decode_item(b"dune", None) == ("dune", None)


def test_a_title_is_enough() -> None:
    assert read({"title": "Dune"}) == Item(title="Dune", item_id="dune")


def test_an_item_may_name_its_own_key() -> None:
    assert read(item_id="dune") == read()


def test_fields_nobody_knows_are_passed_over() -> None:
    assert read(price=7, nested={"a": [None]}) == read()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Herbert", "Herbert"),
        (1965, 1965.0),
        (-0.5, -0.5),
        (["sand", "empire"], ("sand", "empire")),
        ([], ()),
        ("  two\twords ", "two words"),
        (["a\x00b", " ", "\u202e"], ("a b",)),
    ],
)
def test_an_attribute_is_a_word_a_number_or_several_words(sent: Any, kept: Any) -> None:
    assert read(attributes={"x": sent}).attributes == {"x": kept}


# What is refused


@pytest.mark.parametrize("value", [b"", b"{", b"null", b"[]", b"7", b"\xff", b'{"title":"\xff"}'])
def test_bytes_that_are_no_json_object_are_refused_with_the_id(value: bytes) -> None:
    with pytest.raises(MalformedItem, match="'dune'"):
        decode_item(b"dune", value)


@pytest.mark.parametrize("key", [b"", b"\xff", b"a\x00b", b"a\nb", b"x" * (MAX_ID_CHARS + 1)])
@pytest.mark.parametrize("value", [None, b'{"title":"Dune"}'], ids=["tombstone", "item"])
def test_an_unusable_key_is_refused_even_to_take_an_item_out(
    key: bytes, value: bytes | None
) -> None:
    with pytest.raises(MalformedItem, match="key"):
        decode_item(key, value)


@pytest.mark.parametrize("value", [None, b'{"title":"Dune"}'], ids=["tombstone", "item"])
def test_no_key_is_refused(value: bytes | None) -> None:
    with pytest.raises(MalformedItem, match="without a key"):
        decode_item(None, value)


def test_an_id_other_than_the_key_is_refused() -> None:
    with pytest.raises(MalformedItem, match="'dune': item_id 'emma', expected the key"):
        read(item_id="emma")


def test_no_title_is_refused() -> None:
    with pytest.raises(MalformedItem, match="title"):
        read(title=None)


@pytest.mark.parametrize("title", ["", "   ", "\x00\x1b", "\u202e\u200b"])
def test_a_title_with_nothing_to_see_is_refused(title: str) -> None:
    with pytest.raises(MalformedItem, match="no title"):
        read(title=title)


def test_an_item_without_a_word_is_refused() -> None:
    with pytest.raises(MalformedItem, match="no text"):
        read({"title": "!!! ---", "attributes": {"year": 1965}})


def test_a_word_anywhere_is_text_enough() -> None:
    assert read({"title": "!!!", "tags": ["band"]}).title == "!!!"


@pytest.mark.parametrize("field", ["title", "description"])
def test_a_text_at_the_limit_is_taken_and_one_past_it_is_refused(field: str) -> None:
    assert len(getattr(read(**{field: "x" * MAX_TEXT_CHARS}), field)) == MAX_TEXT_CHARS
    with pytest.raises(MalformedItem, match=f"'dune': {field} is over 20000"):
        read(**{field: "x" * (MAX_TEXT_CHARS + 1)})


@pytest.mark.parametrize(
    "changes",
    [
        {"title": 7},
        {"title": ["Dune"]},
        {"description": {"en": "Sand."}},
        {"tags": "classic"},
        {"tags": [1]},
        {"attributes": ["author"]},
        {"attributes": {"x": True}},
        {"attributes": {"x": {"y": "z"}}},
        {"attributes": {"x": [1, 2]}},
        {"attributes": {"x": [["nested"]]}},
        {"published_at": "1965"},
        {"item_id": 7},
    ],
    ids=repr,
)
def test_a_field_of_the_wrong_shape_is_refused_with_its_name(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedItem, match=rf"'dune': .*\$\.{next(iter(changes))}"):
        read(**changes)


def test_an_attribute_without_a_value_is_refused() -> None:
    with pytest.raises(MalformedItem, match="null"):
        decode_item(b"dune", b'{"title":"Dune","attributes":{"author":null}}')


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1" + "0" * 400])
@pytest.mark.parametrize("field", ["published_at", "attributes"])
def test_a_number_that_is_not_finite_is_refused(field: str, number: str) -> None:
    value = number if field == "published_at" else f'{{"x":{number}}}'
    with pytest.raises(MalformedItem):
        decode_item(b"dune", f'{{"title":"Dune","{field}":{value}}}'.encode())


# What is cleaned


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("a\x00b", "a b"),
        ("line\r\nline\ttab", "line line tab"),
        ("\x1b[31mred", "[31mred"),
        ("\u202eevil", "evil"),
        ("\u2066a\u2069 \u200fb", "a b"),
        ("zero\u200bwidth\ufeff", "zero width"),
        ("a\u2028b\u2029c\u00a0d", "a b c d"),
        ("private\ue000use", "private use"),
        ("  many   spaces ", "many spaces"),
        ("日本 é 🙂", "日本 é 🙂"),
    ],
)
def test_control_formatting_and_bidi_characters_become_spaces(dirty: str, clean: str) -> None:
    assert clean_text(dirty) == clean


def test_markup_is_text_like_any_other() -> None:
    assert clean_text("<script>alert(1)</script> & [b]") == "<script>alert(1)</script> & [b]"


def test_every_text_of_an_item_is_cleaned() -> None:
    item = read(
        title="Du\u202ene",
        description="a\x00b",
        tags=["x\x1by", "\x00"],
        attributes={"na\nme": "v\u200bw", "list": ["p\x7fq"]},
    )
    assert item.title == "Du ne"
    assert item.description == "a b"
    assert item.tags == ("x y",)
    assert item.attributes == {"na me": "v w", "list": ("p q",)}


@LAW
@given(st.text())
def test_cleaning_again_changes_nothing(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once


@LAW
@given(st.text())
def test_clean_text_has_single_spaces_and_nothing_that_moves_a_cursor(text: str) -> None:
    clean = clean_text(text)
    assert clean == clean.strip()
    assert "  " not in clean
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in clean)


def test_a_number_is_cleaned_to_a_float() -> None:
    assert isinstance(clean_attribute(7), float)


@pytest.mark.parametrize("author", ["", " ", "\x00"])
def test_an_attribute_without_a_word_says_nothing(author: str) -> None:
    item = read({"title": "Dune", "attributes": {"author": author, "subject": "sand"}})
    assert item.text() == "Dune. sand"


# What follows from an item


def test_the_text_holds_title_description_words_and_tags_each_once() -> None:
    item = read(tags=["classic", "sand"])
    assert item.text() == "Dune. Sand. Herbert, sand, empire, classic"


def test_numbers_are_not_read_by_the_encoder() -> None:
    assert "1965" not in read().text()
    assert attribute_words(1965.0) == ()


def test_the_facts_are_the_item_without_id_and_description() -> None:
    item = read()
    assert item.facts() == ItemFacts(
        title=item.title,
        tags=item.tags,
        attributes=item.attributes,
        published_at=item.published_at,
    )


def test_the_hash_changes_with_the_text_alone() -> None:
    item = read()
    same, other = read(published_at=7.0), read(description="Salt.")
    assert content_hash(same.text()) == content_hash(item.text())
    assert content_hash(other.text()) != content_hash(item.text())
    assert len(content_hash("")) == 16


# Laws


@LAW
@given(item=ITEMS)
def test_decoding_what_was_encoded_gives_the_item_back(item: Item) -> None:
    assert decode_item(b"dune", encode_item(item)) == ("dune", item)


@LAW
@given(key=st.none() | st.binary(max_size=20), value=st.none() | st.binary(max_size=200))
def test_any_bytes_decode_or_are_rejected(key: bytes | None, value: bytes | None) -> None:
    _decode_or_reject(key, value)


@LAW
@given(item=ITEMS, data=st.data())
def test_altered_items_decode_or_are_rejected(item: Item, data: st.DataObject) -> None:
    value = bytearray(encode_item(item))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(value)))
        value[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    _decode_or_reject(b"dune", bytes(value))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@LAW
@given(field=st.sampled_from([*sorted(DUNE), "item_id", "x"]), value=JSON)
def test_items_with_anything_in_a_field_decode_or_are_rejected(field: str, value: object) -> None:
    _decode_or_reject(b"dune", json.dumps({**DUNE, field: value}).encode())


def test_deep_nesting_is_rejected() -> None:
    _decode_or_reject(b"dune", b'{"title":"Dune","x":' + DEEP + b"}")


def _decode_or_reject(key: bytes | None, value: bytes | None) -> None:
    try:
        item_id, item = decode_item(key, value)
    except RejectedEvent:
        return
    assert item_id.encode() == key
    assert (item is None) == (value is None)
