"""
Does a record or a run of bytes name a user?

Whole ids only: user `7` is not named by `17`, by the number 7, or by an item that is called `7`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from streams.wire import UNDECODABLE

USER_ID = "user_id"
"""The field of events, requests and slates that says whose they are."""
_ID_BYTE = rb"[0-9A-Za-z_@\x80-\xff-]"
"""What goes on an id beside it; a dot does so only where more of an id follows."""
CHANCE = 0.01
"""How often a file may hold the bytes looked for by chance, for a find to prove anything."""


class Name:
    """A user id, as it is looked for."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.key = plain = user_id.encode()
        quoted = {msgspec.json.encode(user_id), json.dumps(user_id).encode()}
        packed = {msgspec.msgpack.encode(user_id), msgspec.msgpack.encode(plain)}
        self._strings = sorted(quoted | packed)
        texts = sorted({plain, *(q[1:-1] for q in quoted), repr(user_id)[1:-1].encode()})
        self._word = re.compile(
            rb"(?<!" + _ID_BYTE + rb")(?<!" + _ID_BYTE + rb"\.)"
            rb"(?:" + b"|".join(map(re.escape, texts)) + rb")"
            rb"(?!" + _ID_BYTE + rb")(?!\." + _ID_BYTE + rb")"
        )

    def owns(self, value: bytes | None) -> bool:
        """
        Does the field `user_id` of a JSON object say that it is theirs?

        >>> Name("7").owns(b'{"user_id":"7"}'), Name("7").owns(b'{"item_id":"7","user_id":"17"}')
        (True, False)
        """
        if value is None:
            return False
        try:
            found = msgspec.json.decode(value)
        except UNDECODABLE:
            return False
        return isinstance(found, dict) and self._is(found.get(USER_ID))

    def is_in(self, value: bytes | None) -> bool:
        """
        Is it one of the strings of a JSON document?  In other bytes: does it stand there by itself?

        >>> Name("7").is_in(b'{"by":["7"]}'), Name("7").is_in(b'{"n":7,"m":"17"}')
        (True, False)
        >>> Name("7").is_in(b"user '7': no key"), Name("7").is_in(b"17, 7-a, a.7, 7@x")
        (True, False)
        """
        if value is None:
            return False
        try:
            found = msgspec.json.decode(value)
        except UNDECODABLE:
            return self._word.search(value) is not None
        return any(self._is(text) for text in _names(found))

    def strings(self, size: int) -> list[bytes]:
        """
        What the id is as a whole string of JSON or MessagePack, each of them exact.

        Args:
            size: Bytes of the file that is searched; what may stand there by chance is left out.

        >>> Name("ann").strings(10), Name("7").strings(10**6)
        ([b'"ann"', b'\\xa3ann', b'\\xc4\\x03ann'], [])
        """
        return [form for form in self._strings if size / 256.0 ** len(form) <= CHANCE]

    def _is(self, found: Any) -> bool:
        known = isinstance(found, str | int) and not isinstance(found, bool)
        return known and str(found) == self.user_id


def _names(found: Any) -> Iterator[Any]:
    """
    All strings of a document and whatever stands under `user_id`.

    Keys are among them but for numbers, which JSON can have as keys only in the shape of text.
    """
    stack = [found]
    while stack:
        match stack.pop():
            case str(text):
                yield text
            case dict(fields):
                yield fields.get(USER_ID)
                stack += [*(key for key in fields if not key.isdecimal()), *fields.values()]
            case list(items):
                stack += items
