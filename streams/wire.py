"""What decoding bytes can fail with; nothing else may come out of a decoder."""

from __future__ import annotations

from typing import Final

import msgspec

UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""`RecursionError` is what msgspec raises for ten kilobytes of `[`, also in an unknown field."""
