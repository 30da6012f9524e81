"""
A MovieLens folder as a catalogue and a history of ratings, to replay what people really did.

Films come from `movies.csv`, made richer by `items_with_text.csv` where there is one.  A row that
cannot be used is handed back with the reason; the others do not suffer from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from streams.errors import MalformedItem, SetupError
from streams.events import Gains, Interaction
from streams.files import MAX_SECONDS, decode_rows, event_of, item_of
from streams.items import Item
from streams.rows import BadRow, Cells, read_rows

FILMS = "movies.csv"
TEXTS = "items_with_text.csv"
RATINGS = "ratings.csv"

_FILM_COLUMNS = ("movieId", "title", "genres")
_TEXT_COLUMNS = (*_FILM_COLUMNS, "year", "description", "tags")
_RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
_NO_GENRES = "(no genres listed)"
_YEAR = re.compile(r"([12][0-9]{3})(?:\.0)?")
_YEAR_IN_TITLE = re.compile(r"\(([12][0-9]{3})(?:[-–][0-9]*)?\)\s*$")
_STARS = Gains({"rating": 1.0}, rating_best=5.0)
"""Says only which ratings are possible; what they are worth is the settings' affair."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """What a folder holds, and what of it cannot be used."""

    records: tuple[T, ...]
    bad: tuple[BadRow, ...]
    """Each with the name of its file before the reason."""


def load_catalogue(folder: Path) -> Loaded[Item]:
    """
    Load the films, in the order of `movies.csv`; any that only have a text come last.

    A film has the attributes `genres` (words) and `year` (of the column, else of the end of the
    title) and counts as published on January 1 of that year; its title stays as it is.  A broken
    row of `items_with_text.csv` costs a film its text, not its place.

    Raises:
        SetupError: The folder, `movies.csv` or a column is missing.
    """
    films = _load_films(folder / FILMS, _FILM_COLUMNS)
    if not (folder / TEXTS).exists():
        return films
    texts = _load_films(folder / TEXTS, _TEXT_COLUMNS)
    merged = {film.item_id: film for film in films.records}
    for text in texts.records:
        merged[text.item_id] = _enriched(merged.get(text.item_id, text), text)
    return Loaded(tuple(merged.values()), films.bad + texts.bad)


def load_ratings(folder: Path) -> Loaded[Interaction]:
    """
    Load the ratings in order of time; those of the same second stay in the order of the file.

    Raises:
        SetupError: The folder, `ratings.csv` or a column is missing.
    """
    loaded = _load(folder / RATINGS, _RATING_COLUMNS, _rating)
    return replace(loaded, records=tuple(sorted(loaded.records, key=lambda rating: rating.at or 0)))


def _load(path: Path, columns: Sequence[str], decode: Callable[[Cells], T]) -> Loaded[T]:
    if not path.is_file():
        raise SetupError(
            f"{path}: not there; expected a MovieLens folder with {FILMS} and {RATINGS}"
        )
    records: list[T] = []
    bad: list[BadRow] = []
    for row in decode_rows(read_rows(path, required=columns), decode):
        if isinstance(row, BadRow):
            bad.append(replace(row, reason=f"{path.name}: {row.reason}"))
        else:
            records.append(row)
    return Loaded(tuple(records), tuple(bad))


def _load_films(path: Path, columns: Sequence[str]) -> Loaded[Item]:
    seen: set[str] = set()

    def decode(cells: Cells) -> Item:
        film = _film(cells)
        if film.item_id in seen:
            raise MalformedItem(f"{film.item_id!r}: comes twice, expected once")
        seen.add(film.item_id)
        return film

    return _load(path, columns, decode)


def _film(cells: Cells) -> Item:
    genres = str(cells["genres"]).replace(_NO_GENRES, "").split("|")
    year = _year(cells)
    facts = {
        "item_id": cells["movieId"],
        "title": cells["title"],
        "description": cells.get("description"),
        "tags": cells.get("tags"),
        "published_at": None if year is None else datetime(year, 1, 1, tzinfo=UTC).timestamp(),
        "attributes": {"genres": [genre for genre in genres if genre], "year": year},
    }
    return item_of(facts)


def _year(cells: Cells) -> int | None:
    """The year of the column, else of the end of the title: "Heat (1995)"."""
    given = str(cells.get("year", ""))
    found = _YEAR.fullmatch(given) if given else _YEAR_IN_TITLE.search(str(cells["title"]))
    if given and not found:
        raise MalformedItem(f"{cells['movieId']!r}: year {given[:40]!r}, expected as 1995")
    return int(found[1]) if found else None


def _enriched(film: Item, text: Item) -> Item:
    """A film with its text; what the text lacks stays as it was."""
    return msgspec.structs.replace(
        text,
        title=film.title,
        attributes={**film.attributes, **text.attributes},
        published_at=film.published_at if text.published_at is None else text.published_at,
    )


def _rating(cells: Cells) -> Interaction:
    facts = {
        "user_id": cells["userId"],
        "item_id": cells["movieId"],
        "rating": cells["rating"],
        "timestamp": cells["timestamp"],
    }
    rating = event_of(facts, gains=_STARS, received_at=MAX_SECONDS)
    assert isinstance(rating, Interaction)
    return rating
