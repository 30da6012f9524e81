"""Kinds of settings: lengths of time, lists, and parts that refuse what they do not know."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode


def _seconds(value: Any) -> Any:
    """Let the environment say 2 or 0.5, as the file can; pydantic reads ISO 8601 otherwise."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


Duration = Annotated[timedelta, Field(ge=timedelta(0)), BeforeValidator(_seconds)]
"""Seconds, or ISO 8601 such as PT10M or P7D."""
Span = Annotated[timedelta, Field(gt=timedelta(0)), BeforeValidator(_seconds)]
"""The same, of something that cannot take no time."""


def _address(value: str) -> str:
    for part in value.split(","):
        found = _ADDRESS.fullmatch(part.strip())
        if found is None or int(found["port"] or 1) not in range(1, 65_536):
            raise ValueError(f"{part.strip()!r} is no address, expected host:port")
    return value


_ADDRESS = re.compile(r"([^\s:,/\[\]]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>\d{1,5}))?")
Address = Annotated[str, AfterValidator(_address)]
"""`host:port`, several with commas between; or a word."""


class Part(BaseModel):
    """Some settings that belong together."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


def _names(value: Any) -> Any:
    """Let the environment say `a, b`, as well as the list that the file has."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


Names = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...], NoDecode, BeforeValidator(_names)
]
"""Several, with commas between."""
