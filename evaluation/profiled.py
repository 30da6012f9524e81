"""
Explanations that others have published, with the profiles that they were made from.

A folder of XRec's shape: `*_test.jsonl` with profiles and a true explanation a row, and
`*_predictions.jsonl` with what a model wrote, each with the row that it was written for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from streams.errors import SetupError

ROWS, OUTPUTS = "*_test.jsonl", "*_predictions.jsonl"
T = TypeVar("T", bound=msgspec.Struct)


class Row(msgspec.Struct, frozen=True):
    """One pair of user and item."""

    title: str
    user_summary: str
    """What the user is likely to enjoy."""
    item_summary: str
    """Who would enjoy the item, and for what."""
    explanation: str
    """Made from the review that the user wrote afterwards: what an explanation should say."""


class Output(msgspec.Struct, frozen=True):
    """What a model wrote."""

    prediction: str
    reference: str = ""
    test_row: int | None = None
    """Which of the rows, from 0; where it is left out, the one with the reference."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A row with what a model wrote for it."""

    row: Row
    prediction: str


@dataclass(frozen=True, slots=True)
class Published:
    """A folder."""

    explained: Sequence[Explained]
    rows: int
    without_row: int
    """Outputs that were written for none of the rows, so that their evidence is not known."""
    mismatched: int
    """Outputs whose reference is not the explanation of the row that they name."""


def load_published(folder: Path, replies: Path | None = None) -> Published:
    """
    Read a folder.

    Args:
        folder: With both files.
        replies: Another file of outputs.

    Raises:
        SetupError: A file is missing or has other fields, or no output belongs to a row.
    """
    rows = list(_lines(_only(folder, ROWS), Row))
    outputs = list(_lines(replies or _only(folder, OUTPUTS), Output))
    by_truth = {row.explanation: row for row in rows}
    explained, without, mismatched = [], 0, 0
    for output in outputs:
        row = by_truth.get(output.reference)
        if output.test_row is not None and 0 <= output.test_row < len(rows):
            row = rows[output.test_row]
        if row is None:
            without += 1
        elif output.reference not in ("", row.explanation):
            mismatched += 1
        else:
            explained.append(Explained(row, output.prediction))
    if not explained:
        raise SetupError(
            f"{folder}: none of {len(outputs)} outputs belongs to a row, expected test_row from 0 "
            f"to {len(rows) - 1}"
        )
    return Published(explained, len(rows), without, mismatched)


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SetupError(f"{folder}: {len(found)} files {pattern}, expected one")
    return found[0]


def _lines(path: Path, kind: type[T]) -> Iterator[T]:
    """Every line; a wrong one is named, since a figure without it would be another figure."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise SetupError(f"{path}: cannot be read: {exc}") from exc
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield msgspec.json.decode(line, type=kind)
            except (msgspec.DecodeError, msgspec.ValidationError) as exc:
                raise SetupError(f"{path}: line {number}: {exc}") from exc
