"""
What was said of an item besides its own text: tags, a sentence, a mood, an audience.

Kept with the item's vector, by whoever said it, and with the hash of the text it was said of: it
holds for that text and for no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

ENGINE: Final = "engine"
"""Who says what was only picked from the text: keywords and its first sentence."""


class Enhancement(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Tags, summary, mood and audience of one text."""

    of: bytes
    """`items.content_hash` of the item's own text."""
    by: str = ENGINE
    """`engine`, or the name of the model whose words these are."""
    asked: str = ""
    """The prompt that a model was asked with, whatever came of it; empty where none was."""
    summary: str = ""
    """One sentence; empty where there is none."""
    tags: tuple[str, ...] = ()
    """Besides those that the item came with."""
    mood: str = ""
    audience: str = ""

    @property
    def attributes(self) -> Mapping[str, str]:
        """
        Those that are known, as attributes of the item.

        >>> Enhancement(of=b"", mood="dark").attributes
        {'mood': 'dark'}
        """
        named = {"mood": self.mood, "audience": self.audience}
        return {name: word for name, word in named.items() if word}

    @property
    def is_read(self) -> bool:
        """Is it a part of the text that is encoded?  What was picked from that adds nothing."""
        return self.by != ENGINE
