"""
A sensible answer to any prompt that numbers its candidates; pure, the same for the same prompt.

It knows nothing about items: it turns the first ten candidates around, so that everybody sees that
somebody was here, and fills whatever else the answer's schema wants with what the prompt holds.
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
PLAIN = "It goes well with what was chosen before."
"""What is said where words are wanted: true of nothing in particular, claiming nothing."""

_CANDIDATE = re.compile(r'^\s*\[?(\d{1,4})\]?[.:)]?\s+(?="|\S)', re.MULTILINE)
_EVIDENCE = re.compile(r"^\s*\[?([a-z]{1,3}\d{1,3})\]?[.:)]?\s", re.MULTILINE)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)+)"')


@dataclass(frozen=True, slots=True)
class _Held:
    """What a prompt holds that an answer can speak of."""

    numbers: Sequence[int]
    evidence: Sequence[str]
    titles: Sequence[str]


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
    held = _held(messages[-1].content if messages else "")
    shape = schema if schema is not None else _example(messages)
    return json.dumps(_filled(shape or {"type": "array"}, held, place=0), ensure_ascii=False)


def _held(text: str) -> _Held:
    numbers = list(dict.fromkeys(int(found) for found in _CANDIDATE.findall(text)))
    turned = [*reversed(numbers[:TURNED]), *numbers[TURNED:]]
    quoted = [json.loads(f'"{found}"', strict=False) for found in _QUOTED.findall(text)]
    return _Held(turned, list(dict.fromkeys(_EVIDENCE.findall(text))), quoted)


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


def _filled(schema: Mapping[str, Any], held: _Held, *, place: int, name: str = "") -> Any:
    """
    A value of a schema.

    Args:
        schema: Of the value.
        held: What the prompt holds.
        place: Of the entry that it stands in: the candidate that it speaks of.
        name: Of the property that it is.
    """
    kind = _kind(schema)
    if options := schema.get("enum"):
        return options[place % len(options)]
    if kind == "object":
        inner: Mapping[str, Any] = schema.get("properties", {})
        return {key: _filled(one, held, place=place, name=key) for key, one in inner.items()}
    if kind == "array":
        return _listed(schema.get("items", {"type": "integer"}), held, place=place, name=name)
    if kind == "integer":
        return _at(held.numbers, place, otherwise=1) if name != "year" else None
    if kind == "string":
        wanted = held.titles if name == "title" else held.evidence if "evidence" in name else ()
        return _at(wanted, place, otherwise=PLAIN)
    return {"number": 0.5, "boolean": True}.get(kind)


def _listed(items: Mapping[str, Any], held: _Held, *, place: int, name: str) -> list[Any]:
    kind = _kind(items)
    if kind == "integer":
        return list(held.numbers)
    if kind == "object":
        entries = held.numbers or held.titles
        return [_filled(items, held, place=k) for k in range(len(entries[:TURNED]))]
    if kind == "string" and held.evidence:
        return list(held.evidence[:1])
    return [_filled(items, held, place=place, name=name)]


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return kind if isinstance(kind, str) else str(kind[0])


def _at(some: Sequence[Any], place: int, *, otherwise: Any) -> Any:
    return some[place % len(some)] if some else otherwise
