"""
The catalogue: what may be recommended, as records of the `items` topic.

An item is one record per key; a record without a value takes it out again.  Item text is
written by strangers, so it is cleaned of control characters here and only ever shown as text.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from streams.enhancements import Enhancement
from streams.errors import MalformedEvent, MalformedItem
from streams.events import check_id
from streams.wire import UNDECODABLE

MAX_TEXT_CHARS = 20_000
"""Longest title or description; the encoder reads about the first 1,000 characters anyway."""

WORTH_CHARS = 80
"""Shortest description from which keywords, or a sentence, are worth being picked."""

AttributeValue: TypeAlias = str | float | tuple[str, ...]
"""What an attribute may hold: a word, a number, or several words."""


class _Announced(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What whoever announces an item says, and every answer may need."""

    title: str
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, AttributeValue] = {}
    """Facts to filter by and to give reasons with, such as author, year, subjects."""
    published_at: float | None = None
    """Seconds since 1970; None where nobody knows."""

    def _about(self) -> str:
        """Words of attributes and tags, each once."""
        words = [word for value in self.attributes.values() for word in attribute_words(value)]
        return ", ".join(dict.fromkeys([*words, *self.tags]))


class ItemFacts(_Announced, frozen=True, gc=False, omit_defaults=True):
    """What an answer needs to know of an item besides its vector."""

    enhanced: Enhancement | None = None
    """What was added to it; its tags and attributes are among those of the item already."""
    worth: bool = False
    """Is there a text from which something can be added?"""

    @property
    def summary(self) -> str:
        """The item in one sentence; empty where there is none."""
        return "" if self.enhanced is None else self.enhanced.summary

    @property
    def words(self) -> str:
        """
        All its words, to look for.

        >>> ItemFacts("Emma", tags=("comedy",), attributes={"author": "Jane Austen"}).words
        'Emma. Jane Austen, comedy'
        """
        return " ".join([*_sentences(self.title, self.summary), self._about()])


class Item(_Announced, frozen=True, omit_defaults=True):
    """One item of the catalogue, as it stands on the topic."""

    item_id: str = ""
    """The record's key; filled in from it when the value leaves it out."""
    description: str = ""

    def text(self, enhanced: Enhancement | None = None) -> str:
        """
        What the encoder reads: title, description, tags and the words of the attributes.

        What a model added stands before the description, of which the encoder reads only the
        beginning.

        >>> dune = Item(title="Dune", description="Sand.", attributes={"author": "Herbert"})
        >>> dune.text()
        'Dune. Sand. Herbert'
        >>> dune.text(Enhancement(of=b"", by="a model", summary="On sand.", mood="dark"))
        'Dune. On sand. Herbert, dark. Sand.'
        """
        if enhanced is None or not enhanced.is_read:
            return " ".join([*_sentences(self.title, self.description), self._about()]).strip()
        about = self.facts(enhanced)._about()
        return " ".join(_sentences(self.title, enhanced.summary, about, self.description))

    def facts(self, enhanced: Enhancement | None = None) -> ItemFacts:
        """
        The part that travels with the vector.

        >>> added = Enhancement(of=b"", tags=("Sand", "spice"))
        >>> Item(title="Dune", tags=("sand",)).facts(added).tags
        ('sand', 'spice')
        """
        tags, attributes = self.tags, self.attributes
        if enhanced is not None:
            own = {tag.casefold() for tag in tags}
            tags = (*tags, *(tag for tag in enhanced.tags if tag.casefold() not in own))
            attributes = {**attributes, **{**enhanced.attributes, **attributes}}
        return ItemFacts(
            title=self.title,
            tags=tags,
            attributes=attributes,
            published_at=self.published_at,
            enhanced=enhanced,
            worth=len(self.description) >= WORTH_CHARS,
        )


def _sentences(*texts: str) -> list[str]:
    return [text.rstrip(" .") + "." for text in texts if text]


def attribute_words(value: AttributeValue) -> tuple[str, ...]:
    """
    The words of an attribute; a number has none.

    >>> attribute_words(("sea", "war")), attribute_words("Melville"), attribute_words(1851.0)
    (('sea', 'war'), ('Melville',), ())
    """
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, float | int):
        return ()
    return value if all(value) else tuple(filter(None, value))


_decoder = msgspec.json.Decoder(Item)
_encoder = msgspec.json.Encoder()


def encode_item(item: Item) -> bytes:
    """The bytes of an item, as they stand on the topic."""
    return _encoder.encode(item)


def decode_item(key: bytes | None, value: bytes | None) -> tuple[str, Item | None]:
    """
    Read one record of the `items` topic.

    Returns:
        The item id, and the item or None where the record takes it out.

    Raises:
        MalformedItem: No usable id, no title, no text, or a value of the wrong shape.

    >>> decode_item(b"dune", None)
    ('dune', None)
    """
    item_id = _item_id(key)
    if value is None:
        return item_id, None
    try:
        item = _decoder.decode(value)
    except UNDECODABLE as exc:
        raise MalformedItem(f"{item_id!r}: {exc}") from exc
    if item.item_id not in ("", item_id):
        raise MalformedItem(f"{item_id!r}: item_id {item.item_id[:80]!r}, expected the key")
    return item_id, _checked(_cleaned(item, item_id))


def _item_id(key: bytes | None) -> str:
    if key is None:
        raise MalformedItem("an item without a key, expected its id")
    try:
        item_id = key.decode()
        check_id("item_id", item_id)
    except (UnicodeDecodeError, MalformedEvent) as exc:
        raise MalformedItem(f"key {key[:80]!r}: {exc}") from exc
    return item_id


def _cleaned(item: Item, item_id: str) -> Item:
    return msgspec.structs.replace(
        item,
        item_id=item_id,
        title=clean_text(item.title),
        description=clean_text(item.description),
        tags=_cleaned_words(item.tags),
        attributes={
            clean_text(name): clean_attribute(value) for name, value in item.attributes.items()
        },
    )


def clean_text(text: str) -> str:
    r"""
    Text as it may be encoded and shown: no control or formatting characters, single spaces.

    >>> clean_text("a\x00b\x1b[31m  c\n")
    'a b [31m c'
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = (" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") else c for c in text)
    return " ".join("".join(kept).split())


def _cleaned_words(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in map(clean_text, words) if word)


def clean_attribute(value: AttributeValue) -> AttributeValue:
    """An attribute with its words cleaned; a number stays as it is."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float | int):
        return float(value)
    return _cleaned_words(value)


def _checked(item: Item) -> Item:
    if not item.title:
        raise MalformedItem(f"{item.item_id!r}: no title, expected one")
    if not any(c.isalnum() for c in item.text()):
        raise MalformedItem(f"{item.item_id!r}: no text, expected words to encode")
    for field in ("title", "description"):
        if len(getattr(item, field)) > MAX_TEXT_CHARS:
            raise MalformedItem(f"{item.item_id!r}: {field} is over {MAX_TEXT_CHARS} characters")
    if item.published_at is not None and not math.isfinite(item.published_at):
        raise MalformedItem(f"{item.item_id!r}: published_at {item.published_at}, expected seconds")
    return item


def content_hash(text: str) -> bytes:
    """
    Sixteen bytes that change when the text to encode changes.

    >>> len(content_hash("Dune"))
    16
    """
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
