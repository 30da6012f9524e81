"""What the fields of a record are: name, kind in the words of JSON, default, meaning."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from docs_reference.tables import code, table

_WORDS: Mapping[Any, str] = {
    str: "string",
    float: "number",
    int: "whole number",
    bool: "true or false",
    NoneType: "null",
    Any: "anything",
}


def fields_of(struct: type[msgspec.Struct]) -> str:
    """The fields of a record as a table."""
    kinds, meanings = get_type_hints(struct), meanings_of(struct)
    rows = []
    for field in msgspec.structs.fields(struct):
        required = field.required
        default = "required" if required else code(_encoded(field))
        name = code(field.encode_name)
        rows.append([name, kind_of(kinds[field.name]), default, meanings.get(field.name, "")])
    return table(["field", "kind", "default", "meaning"], rows)


def kind_of(hint: Any) -> str:
    """
    A type in the words of JSON.

    >>> kind_of(tuple[str, ...]), kind_of(float | None), kind_of(Mapping[int, float])
    ('array of string', 'number or null', 'object of number')
    """
    if hint in _WORDS:
        return _WORDS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(code(str(argument)) for argument in arguments)
    if origin in (Union, UnionType):
        return " or ".join(map(kind_of, arguments))
    if origin is tuple:
        return f"array of {kind_of(arguments[0])}"
    if origin is not None:
        return f"object of {kind_of(arguments[1])}"
    return f"[{hint.__name__}](#{hint.__name__.lower()})"


def meanings_of(struct: type) -> Mapping[str, str]:
    """The docstrings under the fields of a class and of those it inherits from."""
    found: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        if issubclass(cls, msgspec.Struct) and cls is not msgspec.Struct:
            found |= _meanings(cls)
    return found


def _meanings(cls: type) -> Mapping[str, str]:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(node, ast.ClassDef)
    found = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = re.sub(r"\bNone\b", "null", inspect.cleandoc(text))
    return found


def _encoded(field: msgspec.structs.FieldInfo) -> str:
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return msgspec.json.encode(value).decode()
