"""The settings, from the one tree of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import NoDecode

from agents.settings import PREFIX, TOML_FILE, Settings
from docs_reference.tables import code, document, table
from docs_reference.units import UNITS

INTRO = f"""
# Settings

Each is a variable of the environment, or stands in `{TOML_FILE}` in the working folder;
the environment wins.
A wrong value or an unknown name stops the program at start and is named.
Times are in seconds, or ISO 8601 such as `PT10M`; lists and mappings are JSON.

In the file a setting has its name in small letters, and a part is a table:

```toml
broker = "localhost:9092"
partitions = 12

[gateway]
port = 8081
```
"""
NOT_SET = {"SLATES__VISITS", "SLATES__STRATEGY"}
"""These follow from the gains and the strategy's name; setting them is refused or in vain."""

_PAGE = re.compile(r"`?docs/([\w-]+\.md)`?")


def page() -> str:
    """The page."""
    parts = [INTRO, "## General", _table(Settings, PREFIX)]
    for name, field in Settings.model_fields.items():
        part = _part(field)
        if part is not None:
            about = _PAGE.sub(r"[\1](../\1)", " ".join((part.__doc__ or "").split()))
            prefix = f"{PREFIX}{name.upper()}__"
            parts += [f"## `{prefix}…`", about, _table(part, prefix)]
            parts += _nested(part, prefix)
    return document(*parts)


def numbers() -> Iterator[str]:
    """The settings that are numbers, without the prefix; each needs a unit."""
    owners: list[tuple[type[BaseModel], str]] = [(Settings, ""), *_parts()]
    for owner, prefix in owners:
        for name, field in owner.model_fields.items():
            if _is_number(field):
                yield f"{prefix}{name.upper()}"


def _parts() -> Iterator[tuple[type[BaseModel], str]]:
    for name, field in Settings.model_fields.items():
        part = _part(field)
        if part is not None:
            yield part, f"{name.upper()}__"


def _part(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _nested(part: type[BaseModel], prefix: str) -> Iterator[str]:
    """Parts that are the values of a mapping, such as prices by model."""
    for name, field in part.model_fields.items():
        for argument in get_args(field.annotation):
            if isinstance(argument, type) and issubclass(argument, BaseModel):
                about = " ".join((argument.__doc__ or "").split())
                yield f"Each value of `{prefix}{name.upper()}`: {about}"
                yield _table(argument, "")


def _table(owner: type[BaseModel], prefix: str) -> str:
    rows = [
        _row(f"{prefix}{name.upper()}" if prefix else name, field)
        for name, field in owner.model_fields.items()
        if _part(field) is None and f"{prefix}{name.upper()}".removeprefix(PREFIX) not in NOT_SET
    ]
    return table(["name", "default", "unit or values", "meaning"], rows)


def _row(name: str, field: FieldInfo) -> list[str]:
    default = field.get_default(call_default_factory=True, validated_data={})
    values = f"{_unit(name, field)}{_limits(field)}"
    meaning = _PAGE.sub(r"[\1](../\1)", field.description or "")
    return [code(name), code(shown(default)), values, meaning]


def shown(value: Any) -> str:
    """
    A value as the environment has it.

    >>> shown(timedelta(minutes=2)), shown(("a", "b")), shown(None), shown(True)
    ('120', '["a", "b"]', '', 'true')
    """
    match value:
        case None | SecretStr() | ():
            return ""
        case timedelta():
            return f"{value.total_seconds():g}"
        case str() | Path():
            return str(value)
        case frozenset():
            return json.dumps(sorted(value))
        case Mapping():
            return json.dumps(dict(value))
    return json.dumps(value)


def _kinds(annotation: Any) -> list[Any]:
    """The types that a value may have, in the order of the code, None apart."""
    if get_origin(annotation) in (Union, UnionType):
        found = [kind for part in get_args(annotation) for kind in _kinds(part)]
        return [kind for kind in found if kind is not NoneType]
    if hasattr(annotation, "__metadata__"):
        return _kinds(annotation.__origin__)
    return [annotation]


def _is_number(field: FieldInfo) -> bool:
    return not {int, float}.isdisjoint(_kinds(field.annotation))


def _unit(name: str, field: FieldInfo) -> str:
    kinds = _kinds(field.annotation)
    if _is_number(field):
        return UNITS[name.removeprefix(PREFIX)]
    if any(isinstance(one, type(NoDecode)) or one is NoDecode for one in field.metadata):
        return "names, commas between"
    words = {timedelta: "seconds", bool: "true or false", Path: "path", SecretStr: "secret"}
    for kind in kinds:
        if kind in words:
            return words[kind]
    literals = [a for kind in kinds if get_origin(kind) is Literal for a in get_args(kind)]
    others = [] if literals and all(get_origin(kind) is Literal for kind in kinds) else ["JSON"]
    return "text" if kinds == [str] else ", ".join([*map(code, literals), *others])


def _limits(field: FieldInfo) -> str:
    words = {Ge: "from", Gt: "above", Le: "to", Lt: "below"}
    found = []
    for limit in _metadata(field):
        word = words.get(type(limit))
        if word:
            (value,) = (getattr(limit, n) for n in ("ge", "gt", "le", "lt") if hasattr(limit, n))
            found.append(f"{word} {shown(value)}")
    return f", {' '.join(found)}" if found else ""


def _metadata(field: FieldInfo) -> Iterator[Any]:
    yield from field.metadata
    for part in get_args(field.annotation):
        for inner in getattr(part, "__metadata__", ()):
            yield from getattr(inner, "metadata", [inner])
