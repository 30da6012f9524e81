"""
What a model's reply names, by a strict grammar.

Numbers count where the grammar has a number, titles where it has a line or a string; a digit in
prose is no rank.  Whatever the reply is, it is read without an error and in bounded time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

MOST_READ = 64_000
"""Characters; the longest answer that is paid for has a tenth of that."""
MOST_NAMED = 1_000
"""Entries; nobody asks for more than 100."""
MOST_TRIED = 32
"""Places at which JSON may begin that are tried; each may cost a pass over the reply."""
DEEPEST = 4
"""Levels of objects around the list."""

Form: TypeAlias = Literal["schema", "json", "text", "nothing"]
"""
Where it was found: the reply is one JSON object; JSON with something around it, or a bare list;
lines of text; nowhere.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a reply names."""

    number: int | None = None
    """Of a candidate, as the prompt counts them."""
    title: str = ""
    listed: bool = True
    """False for a line that may as well be prose: it counts only if it is a title."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply names, in its order."""

    entries: tuple[Entry, ...]
    form: Form


_FENCE = re.compile(r"```[\w-]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_LABEL = r"(?:[A-Za-z][A-Za-z ]{0,30}:\s*)?"
_NUMBER = r"(?:\[\d{1,4}\]|\d{1,4})"
_CHAIN = re.compile(rf"{_LABEL}{_NUMBER}(?:\s*(?:>|,|;|→|、|，)\s*{_NUMBER})+\s*\.?")
_ALONE = re.compile(r"(?:\d{1,3}[.)]\s+|[-*•]\s+)?(?:\[(\d{1,4})\]\.?|#?(\d{1,4}))")
_ITEM = re.compile(r"(?:(?:\*\*|__)?(?:\d{1,3}\s*[.)\]]|\[\d{1,4}\])(?:\*\*|__)?|[-*•])\s*(\S.*)")
_BEFORE_LIST = re.compile(rf"\s*{_LABEL}")
_DIGITS = re.compile(r"[\[#]?(\d{1,4})\]?")
_DATED = re.compile(r"\(\d{4}\)")
_MARKUP = " \t*_\"'“”`"
_NUMBERS = ("id", "number", "index", "candidate", "item")
_TITLES = ("title", "name")
_LISTS = ("order", "ids", "ranking", "titles", "items", "recommendations")


def read_reply(text: str) -> Reply:
    """
    What a reply names.

    >>> read_reply('{"order": [2, 1]}').entries
    (Entry(number=2, title='', listed=True), Entry(number=1, title='', listed=True))
    >>> [entry.number for entry in read_reply("Sure! [3] is great.\\n[3] > [1]").entries]
    [None, 3, 1]
    """
    text = text[:MOST_READ].strip()
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return _read_around(text)
    entries = tuple(_entries(_list_in(whole)))[:MOST_NAMED]
    if isinstance(whole, dict) and entries:
        return Reply(entries, "schema")
    return Reply(entries, "json" if entries else "nothing")


def _read_around(text: str) -> Reply:
    """A reply that is not JSON as a whole."""
    for part in (*_FENCE.findall(text), text):
        for found in _json_in(part):
            if entries := tuple(_entries(found))[:MOST_NAMED]:
                return Reply(entries, "json")
    lines = (line.strip() for line in text.splitlines() if not line.strip().startswith("```"))
    entries = tuple(_of_lines(line for line in lines if line))[:MOST_NAMED]
    return Reply(entries, "text" if entries else "nothing")


def _of_lines(lines: Iterable[str]) -> list[Entry]:
    """Where titles are listed, a number alone is the mark of a title that was cut off."""
    entries = [entry for line in lines for entry in _of_line(line)]
    if any(entry.title and entry.listed for entry in entries):
        return [entry for entry in entries if entry.listed or entry.title]
    return entries


def _json_in(text: str) -> Iterator[list[Any]]:
    """Lists in objects wherever they stand, and lists of several that have their lines alone."""
    decoder = json.JSONDecoder()
    begins = (found.start() for found in re.finditer(r"[{\[]", text))
    after = 0
    for _, begin in zip(range(MOST_TRIED), begins, strict=False):
        if begin < after:
            continue
        try:
            value, end = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) or (len(value) > 1 and _stands_alone(text, begin, end)):
            after = end
            yield _list_in(value)


def _stands_alone(text: str, begin: int, end: int) -> bool:
    """A list in the middle of a sentence is a remark, not an answer."""
    before = text[text.rfind("\n", 0, begin) + 1 : begin]
    behind = text[end:].split("\n", 1)[0]
    return bool(_BEFORE_LIST.fullmatch(before)) and not behind.strip(" .")


def _list_in(value: Any, *, depth: int = 0) -> list[Any]:
    """The list that is the answer: under one of the usual names, or the first there is."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or depth >= DEEPEST:
        return []
    named = [value[name] for name in _LISTS if name in value]
    found = (_list_in(one, depth=depth + 1) for one in (*named, *value.values()))
    return next((one for one in found if one), [])


def _entries(values: list[Any]) -> Iterator[Entry]:
    for value in values:
        if isinstance(value, Mapping):
            yield _of_object(value)
        elif isinstance(value, str):
            yield _of_string(value)
        else:
            yield Entry(number=_integer(value))


def _integer(value: object) -> int | None:
    """A number that can count; True is none, and 2.5 is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == value // 1 and abs(value) < 1e9 else None


def _of_string(value: str) -> Entry:
    digits = _DIGITS.fullmatch(value.strip())
    return Entry(number=int(digits[1])) if digits else Entry(title=value.strip())


def _of_object(value: Mapping[str, Any]) -> Entry:
    """`{"id": 3}`, or `{"title": "Emma", "year": 1815}`."""
    for name in _NUMBERS:
        if name in value:
            found = value[name]
            return _of_string(found) if isinstance(found, str) else Entry(number=_integer(found))
    title = next((str(value[name]) for name in _TITLES if name in value), "")
    digits = _DIGITS.fullmatch(str(value.get("year")))
    is_bare = bool(title and digits and not _DATED.search(title))
    return Entry(title=f"{title} ({digits[1]})" if is_bare and digits else title)


def _of_line(line: str) -> Iterator[Entry]:
    """`[3] > [1]`, `3`, `1. Emma (1815)`, or what may be a title or prose."""
    if _CHAIN.fullmatch(line):
        numbers = re.sub(rf"^{_LABEL}", "", line)
        yield from (Entry(number=int(number)) for number in re.findall(r"\d+", numbers))
    elif alone := _ALONE.fullmatch(line):
        yield Entry(number=int(alone[1] or alone[2]), listed=bool(alone[1]))
    elif item := _ITEM.fullmatch(line):
        yield Entry(title=item[1].strip(_MARKUP))
    else:
        yield Entry(title=line.strip(_MARKUP), listed=False)
