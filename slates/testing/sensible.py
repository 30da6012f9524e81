"""
A sensible answer to any prompt that numbers its candidates; pure, the same for the same prompt.

It knows nothing of its own.  It turns the first ten candidates around, so that everybody sees that
somebody was here, and whatever else the answer's schema wants it takes over from the prompt: facts
word by word, an item's own words as its tags.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slates.model import Message

TURNED = 10
"""Candidates whose order is turned around: about as many as a slate shows."""
FACTS, TAGS = 2, 3
"""How many facts make a sentence, and how many words describe an item."""
PLAIN = "Nothing to say."
"""Where words are wanted and the prompt has none."""

_CANDIDATE = re.compile(r"^\s*\[?(\d{1,4})\]?[.:)]?\s+([^\d\s].*)$", re.MULTILINE)
_FACT = re.compile(r'^\s*(\d{1,4})\s+(\d{1,4})\s+("(?:[^"\\]|\\.)+")', re.MULTILINE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)+"')
_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True, slots=True)
class _Item:
    """A candidate, or another thing that the prompt speaks of in quotation marks."""

    number: int
    words: Sequence[str]
    """Title, then texts."""
    facts: Sequence[tuple[int, str]] = ()
    """Number and words of each."""


def sensible(messages: Sequence[Message], schema: Mapping[str, Any] | None) -> str:
    """
    Answer a prompt.

    Without a schema the answer looks like that of the prompt's last example; without an example it
    is a list of numbers.

    >>> prompt = Message("user", '1 "Emma"' + chr(10) + '2 "Dune"' + chr(10) + '3 "Solaris"')
    >>> order = {"type": "object", "properties": {"order": {"type": "array"}}}
    >>> sensible([prompt], order)
    '{"order": [3, 2, 1]}'
    >>> sensible([prompt], None)
    '[3, 2, 1]'
    """
    items = _items(messages[-1].content if messages else "")
    shape = schema if schema is not None else _example(messages)
    first = items[0] if items else _Item(1, (PLAIN,))
    return json.dumps(_filled(shape or {"type": "array"}, items, first), ensure_ascii=False)


def _items(text: str) -> list[_Item]:
    """What a prompt speaks of: candidates, the first ones turned around, or else its strings."""
    facts: dict[int, list[tuple[int, str]]] = {}
    for number, item, words in _FACT.findall(text):
        facts.setdefault(int(item), []).append((int(number), _strings(words)[0]))
    found = {int(number): _strings(rest) or [rest] for number, rest in _CANDIDATE.findall(text)}
    items = [_Item(n, words, facts.get(n, ())) for n, words in found.items()]
    if not items:
        return [_Item(n, (words,)) for n, words in enumerate(_strings(text), 1)]
    return [*reversed(items[:TURNED]), *items[TURNED:]]


def _strings(text: str) -> list[str]:
    return [str(json.loads(found, strict=False)) for found in _QUOTED.findall(text)]


def _example(messages: Sequence[Message]) -> Mapping[str, Any] | None:
    """The schema of the last answer that the prompt shows."""
    shown = [message.content for message in messages if message.role == "assistant"]
    try:
        return _schema_of(json.loads(shown[-1])) if shown else None
    except ValueError:
        return None


def _schema_of(value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict):
        inner = {name: _schema_of(one) for name, one in value.items()}
        return {"type": "object", "properties": inner}
    if isinstance(value, list):
        return {"type": "array", "items": _schema_of(value[0]) if value else {"type": "integer"}}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": kinds.get(type(value), "null")}


def _filled(schema: Mapping[str, Any], items: Sequence[_Item], item: _Item, name: str = "") -> Any:
    """
    A value of a schema.

    Args:
        schema: Of the value.
        items: All that the prompt speaks of.
        item: That which this part of the answer is about.
        name: Of the property that the value is.
    """
    if "enum" in schema:
        return schema["enum"][0]
    kind = _kind(schema)
    if kind == "object":
        inner: Mapping[str, Any] = schema.get("properties", {})
        return {key: _filled(one, items, item, key) for key, one in inner.items()}
    if kind == "array":
        return _listed(schema.get("items", {"type": "integer"}), items, item, name)
    if kind == "string":
        return item.words[0] if name == "title" else _sentence(item)
    # A year is told by a title at most.
    plain = {"integer": None if name == "year" else item.number, "number": 0.5, "boolean": True}
    return plain.get(kind)


def _listed(schema: Mapping[str, Any], items: Sequence[_Item], item: _Item, name: str) -> list[Any]:
    kind = _kind(schema)
    if kind == "object" and "cites" in schema.get("properties", {}):
        return [_filled(schema, items, one) for one in items[:TURNED] if one.facts]
    if kind == "object":
        return [_filled(schema, items, one) for one in items]
    if kind == "integer" and name == "cites":
        return [number for number, _ in item.facts[:FACTS]]
    if kind == "integer":
        return [one.number for one in items if one.words]
    return list(dict.fromkeys(_WORD.findall(item.words[-1])))[:TAGS]


def _sentence(item: _Item) -> str:
    return " – ".join(words for _, words in item.facts[:FACTS]) or item.words[-1]


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return kind if isinstance(kind, str) else str(kind[0])
