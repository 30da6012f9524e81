"""Tables and pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """
    A table; bars and line breaks in cells do no harm.

    >>> print(table(["a", "b"], [["1", "x|y"]]))
    | a | b |
    |---|---|
    | 1 | x\\|y |
    """
    lines = [_line(headings), "|" + "---|" * len(headings)]
    return "\n".join([*lines, *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def code(text: str) -> str:
    """
    Text as it is typed; nothing where there is none.

    >>> code("a"), code("")
    ('`a`', '')
    """
    return f"`{text}`" if text else ""


def document(*parts: str) -> str:
    """Pieces of a page, an empty line between them; empty pieces are left out."""
    return "\n\n".join(stripped for part in parts if (stripped := part.strip()))
