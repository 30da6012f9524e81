"""
Fenced blocks of the documents, and how they are marked.

A block of `sh` is run by a test, or stands below a comment that says why not:
`<!-- not run: it needs Docker -->`.  Below `<!-- on Apache Kafka -->` it is run where there is one.
A block of `text` right behind one that is run is what it prints, with … for what differs.
A block with `title="NAME"` is a file of that name.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
USAGE = ROOT / "docs/reference/commands.md"
"""What Typer says of each command: usage, no commands."""
_FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?$")
_MARK = re.compile(r"^<!-- (not run|on Apache Kafka)(?:: (.+))? -->$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    language: str
    text: str
    title: str = ""
    skipped: str = ""
    """Why it is not run."""
    kafka: bool = False
    """Is it for Apache Kafka?"""
    printed: str = ""
    """What it prints."""

    @property
    def name(self) -> str:
        """For the names of tests."""
        return f"{self.page.name}:{self.line}"

    def commands(self) -> list[str]:
        """
        Its commands, one a line; quotes and a backslash at the end may span several lines.
        """
        found, open_lines = [], ""
        for line in self.text.splitlines():
            open_lines = f"{open_lines}\n{line}" if open_lines else line
            if not _is_open(open_lines):
                found.append(open_lines)
                open_lines = ""
        assert not open_lines, f"{self.name}: a quote is never closed"
        return [command for command in found if shlex.split(command, comments=True)]


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    found: list[Block] = []
    for block in _blocks(page):
        if block.language == "text" and found and _follows(found[-1], block):
            found[-1] = replace(found[-1], printed=block.text)
        else:
            found.append(block)
    return found


def all_blocks() -> list[Block]:
    """Those of all documents."""
    return [block for page in PAGES for block in blocks_of(page)]


def _is_open(text: str) -> bool:
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return True
    return text.endswith("\\")


def _follows(before: Block, block: Block) -> bool:
    """With nothing but an empty line between them."""
    end = before.line + len(before.text.splitlines()) + 1
    return before.language == "sh" and block.line - end <= 2


def _blocks(page: Path) -> Iterator[Block]:
    lines = page.read_text(encoding="utf-8").splitlines()
    start: int | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip().startswith("```"):
            continue
        if start is not None:
            yield _block(page, lines, start, number)
            start = None
        else:
            start = number
    assert start is None, f"{page}: a fence is never closed"


def _block(page: Path, lines: list[str], start: int, end: int) -> Block:
    fence = _FENCE.match(lines[start - 1].strip())
    assert fence, f"{page}:{start}: {lines[start - 1]}"
    mark = _MARK.match(lines[start - 2].strip()) if start > 1 else None
    return Block(
        page=page,
        line=start,
        language=fence[1],
        title=fence[2] or "",
        text=textwrap.dedent("\n".join(lines[start : end - 1])),
        skipped=(mark[2] or "") if mark and mark[1] == "not run" else "",
        kafka=mark is not None and mark[1] == "on Apache Kafka",
    )


def fits(printed: str, output: str) -> bool:
    """
    Is what was printed what the document shows?  In this order, with anything for …; spaces aside.

    >>> fits("sent … rows", "well: sent 12  rows in 3 s"), fits("a … b", "b a")
    (True, False)
    """
    place, seen = 0, " ".join(output.split())
    for line in printed.splitlines():
        for piece in line.split("…"):
            wanted = " ".join(piece.split())
            found = seen.find(wanted, place)
            if found < 0:
                return False
            place = found + len(wanted)
    return True
