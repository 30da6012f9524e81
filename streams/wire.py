"""What decoding bytes can fail with; nothing else may come out of a decoder."""

from __future__ import annotations

from typing import Final

import msgspec

UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""`RecursionError` is what msgspec raises for ten kilobytes of `[`, also in an unknown field."""


def require_version(found: int, *, known: int) -> None:
    """
    Refuse a layout that did not exist when this was written.

    Raises:
        msgspec.ValidationError: The version is later than the one known.
    """
    if found > known:
        raise msgspec.ValidationError(f"layout version {found}, this Headwater knows up to {known}")
