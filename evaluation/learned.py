"""The engine after a fixed split: what it ranks when it has learned the first part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.datasets import load_catalogue
from evaluation.engine import Engine
from evaluation.replaying import OnStep
from evaluation.splits import FOLDER, Split, load_split
from evaluation.verdicts import Ranking, World
from slates.titles import ByName
from streams.errors import SetupError
from streams.items import Item
from streams.rows import BadRow

FILMS = "movielens-small"
"""Folder of the data on which replies were recorded."""
CATALOGUE = "items_with_text.csv"


@dataclass(frozen=True, slots=True)
class Films:
    """The data of the recordings."""

    items: Sequence[Item]
    split: Split


@dataclass(frozen=True, slots=True)
class Learned(Ranking):
    """The engine at the end of what it learned."""

    engine: Engine
    now: float

    def best(self, user_id: str, *, n: int) -> Sequence[str]:
        """The best of the catalogue."""
        return self.engine.rank(user_id, now=self.now, n=n)

    def order(self, user_id: str, given: Sequence[str]) -> Sequence[str]:
        """Given items."""
        return self.engine.order(user_id, given, now=self.now)


def load_films(data: Path) -> Films:
    """
    Read the catalogue and the split on which replies were recorded.

    Args:
        data: The folder of all data, or that of the films.

    Raises:
        SetupError: A file is missing, or is another kind of file.
    """
    inside = data / FILMS
    folder = inside if inside.is_dir() else data
    if not folder.is_dir():
        raise SetupError(f"{data}: no such folder, expected one that holds {FILMS}/")
    bad: list[BadRow] = []
    items = load_catalogue(folder / CATALOGUE, reject=bad.append)
    if bad:
        raise SetupError(f"{folder / CATALOGUE}: row {bad[0].number}: {bad[0].reason}")
    return Films(items, load_split(folder / FOLDER))


def teach(engine: Engine, films: Films, *, on_step: OnStep) -> Learned:
    """Have an engine learn the first part, in order of time."""
    engine.announce(films.items)
    for done, observation in enumerate(films.split.train, 1):
        engine.learn(observation)
        on_step(done)
    return Learned(engine, films.split.train[-1].at)


def world_of(films: Films, ranking: Ranking) -> World:
    """What replies are judged by."""
    return World(
        ranking=ranking,
        titles=ByName((item.item_id, item.title) for item in films.items),
        catalogue={item.item_id: item.title for item in films.items},
        had=films.split.had,
        held_back=films.split.test,
    )
