"""A fixed split of ratings, and what an engine makes of its first part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.contender import Observation
from evaluation.replaying import in_order
from streams.errors import SetupError

FOLDER = "random-80-20"


@dataclass(frozen=True, slots=True)
class Split:
    """What may be learned, and what is to be found."""

    train: Sequence[Observation]
    """In order of time."""
    test: Mapping[str, frozenset[str]]
    """User to the items held back."""

    @property
    def had(self) -> Mapping[str, frozenset[str]]:
        """User to the items of the first part."""
        return _by_user(self.train)


def load_split(folder: Path) -> Split:
    """
    Read `train.tsv` and `test.tsv`: user, item, rating and time, with tabs between, no heading.

    Raises:
        SetupError: A file is missing, or a line is another.
    """
    train, test = (_observations(folder / name) for name in ("train.tsv", "test.tsv"))
    return Split(in_order(train, seed=0), _by_user(test))


def _by_user(observations: Sequence[Observation]) -> dict[str, frozenset[str]]:
    items: defaultdict[str, set[str]] = defaultdict(set)
    for each in observations:
        items[each.user_id].add(each.item_id)
    return {user: frozenset(some) for user, some in items.items()}


def _observations(path: Path) -> list[Observation]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise SetupError(f"{path}: cannot be read: {exc}") from exc
    return [_observation(path, number, line) for number, line in enumerate(lines, 1)]


def _observation(path: Path, number: int, line: str) -> Observation:
    try:
        user, item, value, at = line.split("\t")
        return Observation(user, item, at=float(at), value=float(value))
    except ValueError as exc:
        raise SetupError(
            f"{path}: line {number}: expected user, item, rating and time, with tabs"
        ) from exc
