"""A MovieLens folder becomes a catalogue and a history, and says what of it cannot be used."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.errors import SetupError
from streams.events import Interaction
from streams.items import Item
from streams.movielens import FILMS, RATINGS, TEXTS, load_catalogue, load_ratings

YEAR_1995 = datetime(1995, 1, 1, tzinfo=UTC).timestamp()

HEAT = "6,Heat (1995),Action|Crime"
HEAT_TEXT = f"{HEAT},1995,A thief and a cop.,tmdb_ml,heist|Al Pacino"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, FILMS, HEAT)
    write(tmp_path, RATINGS, "1,6,4.0,100")
    return tmp_path


HEADINGS = {
    FILMS: "movieId,title,genres",
    TEXTS: "movieId,title,genres,year,description,desc_source,tags",
    RATINGS: "userId,movieId,rating,timestamp",
}


def write(folder: Path, name: str, *rows: str) -> None:
    (folder / name).write_text("\n".join([HEADINGS[name], *rows, ""]), encoding="utf-8")


def films(folder: Path) -> dict[str, Item]:
    return {film.item_id: film for film in load_catalogue(folder).records}


def test_a_film_with_a_text_has_everything(folder: Path) -> None:
    write(folder, TEXTS, HEAT_TEXT)
    loaded = load_catalogue(folder)
    assert loaded.bad == ()
    assert loaded.records == (
        Item(
            item_id="6",
            title="Heat (1995)",
            description="A thief and a cop.",
            tags=("heist", "Al Pacino"),
            attributes={"genres": ("Action", "Crime"), "year": 1995.0},
            published_at=YEAR_1995,
        ),
    )


def test_a_film_without_a_text_is_in_the_catalogue(folder: Path) -> None:
    write(folder, FILMS, '7,"Sabrina, (1995) ",Comedy', HEAT)
    write(folder, TEXTS, HEAT_TEXT)
    catalogue = load_catalogue(folder).records
    assert [film.item_id for film in catalogue] == ["7", "6"]
    assert catalogue[0] == Item(
        item_id="7",
        title="Sabrina, (1995)",
        attributes={"genres": ("Comedy",), "year": 1995.0},
        published_at=YEAR_1995,
    )


def test_there_need_be_no_texts_at_all(folder: Path) -> None:
    assert films(folder)["6"].description == ""


def test_a_text_without_a_film_comes_last(folder: Path) -> None:
    write(folder, TEXTS, "9,Alone,Drama,2001,Somebody.,x,", HEAT_TEXT)
    assert [film.item_id for film in load_catalogue(folder).records] == ["6", "9"]


def test_what_a_text_lacks_stays_as_it_was(folder: Path) -> None:
    write(folder, TEXTS, "6,Heat,(no genres listed),,A thief.,x,")
    film = films(folder)["6"]
    assert film.title == "Heat (1995)"
    assert film.attributes == {"genres": ("Action", "Crime"), "year": 1995.0}
    assert (film.description, film.published_at) == ("A thief.", YEAR_1995)


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("Heat (1995)", 1995.0),
        ("Heat (1995) ", 1995.0),
        ("Death Note (2006–2007)", 2006.0),
        ("Doctor Who (2005-)", 2005.0),
        ("Babylon 5", None),
        ("1984 (remake)", None),
        ("Se7en (a.k.a. Seven) (1995)", 1995.0),
        ("(1995) Heat", None),
    ],
)
def test_the_year_is_found_at_the_end_of_the_title(
    folder: Path, title: str, year: float | None
) -> None:
    write(folder, FILMS, f"6,{title},Crime")
    film = films(folder)["6"]
    assert film.attributes.get("year") == year
    assert film.title == title.strip()
    assert (film.published_at is None) == (year is None)


@pytest.mark.parametrize("given", ["1994", "1994.0"])
def test_the_column_year_goes_before_the_title(folder: Path, given: str) -> None:
    write(folder, TEXTS, f"6,Heat (1995),Crime,{given},,,")
    assert films(folder)["6"].attributes["year"] == 1994.0


def test_no_genres_listed_is_no_genre(folder: Path) -> None:
    write(folder, FILMS, "6,Moonlight,(no genres listed)")
    assert films(folder)["6"].attributes == {}


def test_a_broken_text_costs_a_film_its_text_and_not_its_place(folder: Path) -> None:
    write(folder, TEXTS, "6,Heat (1995),Crime,soon,A thief.,x,", "6,Heat", HEAT_TEXT, HEAT_TEXT)
    loaded = load_catalogue(folder)
    assert len(loaded.records) == 1
    assert [row.number for row in loaded.bad] == [1, 2, 4]
    for row, reason in zip(loaded.bad, ("year 'soon'", "2 cells", "comes twice"), strict=True):
        assert row.reason.startswith("items_with_text.csv: ")
        assert reason in row.reason


def test_a_broken_film_is_counted_and_the_others_stay(folder: Path) -> None:
    write(folder, FILMS, ",Nobody,Drama", HEAT, "8,,Drama", f"{HEAT}|Twice")
    loaded = load_catalogue(folder)
    assert [film.item_id for film in loaded.records] == ["6"]
    assert loaded.records[0].attributes["genres"] == ("Action", "Crime")
    assert [(row.number, row.raw) for row in loaded.bad] == [
        (1, ",Nobody,Drama"),
        (3, "8,,Drama"),
        (4, f"{HEAT}|Twice"),
    ]
    assert all(row.reason.startswith("movies.csv: ") for row in loaded.bad)


def test_ratings_are_in_order_of_time_and_then_of_the_file(folder: Path) -> None:
    write(folder, RATINGS, "9,1,5.0,300", "1,2,0.5,100", "2,1,3,300", "1,3,4.5,200", "0,1,1,300")
    loaded = load_ratings(folder)
    assert loaded.bad == ()
    assert [(rating.at, rating.user_id) for rating in loaded.records] == [
        (100.0, "1"),
        (200.0, "1"),
        (300.0, "9"),
        (300.0, "2"),
        (300.0, "0"),
    ]
    assert loaded.records[0] == Interaction(
        user_id="1", item_id="2", action="rating", value=0.5, at=100.0
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,6,4.0,964982703000", "milliseconds"),
        ("1,6,4.0,", "no timestamp"),
        ("1,6,,100", "expected a value"),
        ("1,6,5.5,100", "from 0 to 5"),
        ("1,6,good,100", "expected a number"),
        (",6,4.0,100", "user_id"),
        ("1,,4.0,100", "item_id"),
        ("1,6,4.0", "3 cells, expected 4"),
    ],
)
def test_a_broken_rating_is_counted_and_the_others_stay(
    folder: Path, row: str, reason: str
) -> None:
    write(folder, RATINGS, "1,6,4.0,100", row, "1,6,4.0,101")
    loaded = load_ratings(folder)
    assert [rating.at for rating in loaded.records] == [100.0, 101.0]
    (bad,) = loaded.bad
    assert (bad.number, bad.raw) == (2, row)
    assert bad.reason.startswith("ratings.csv: ")
    assert reason in bad.reason


def test_a_missing_folder_or_file_is_refused_with_what_is_expected(folder: Path) -> None:
    (folder / RATINGS).unlink()
    with pytest.raises(SetupError, match=r"ratings\.csv: not there; expected a MovieLens folder"):
        load_ratings(folder)
    with pytest.raises(SetupError, match=r"nowhere.movies\.csv: not there"):
        load_catalogue(folder / "nowhere")


@pytest.mark.parametrize("name", [FILMS, TEXTS])
def test_a_missing_column_of_the_films_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("movieId,title\n6,Heat\n", encoding="utf-8")
    with pytest.raises(SetupError, match=rf"{name}: no column genres.*found 'movieId', 'title'"):
        load_catalogue(folder)


def test_a_missing_column_of_the_ratings_is_refused(folder: Path) -> None:
    (folder / RATINGS).write_text("userId,movieId,rating\n1,6,4\n", encoding="utf-8")
    with pytest.raises(SetupError, match=r"no column timestamp"):
        load_ratings(folder)


@pytest.mark.data
def test_the_real_folder_is_read_whole() -> None:
    data = os.environ.get("HEADWATER_DATA_DIR")
    if not data:
        pytest.skip("HEADWATER_DATA_DIR is not set: no real MovieLens to read")
    folder = Path(data) / "movielens-small"
    catalogue, ratings = load_catalogue(folder), load_ratings(folder)
    assert (len(catalogue.records), len(ratings.records)) == (9_742, 100_836)
    assert catalogue.bad == ratings.bad == ()
    times = [rating.at or 0.0 for rating in ratings.records]
    assert times == sorted(times)
    assert {rating.item_id for rating in ratings.records} <= {f.item_id for f in catalogue.records}
    toy_story = catalogue.records[0]
    assert (toy_story.title, toy_story.published_at) == ("Toy Story (1995)", YEAR_1995)
    assert toy_story.tags == ("fun", "pixar")
    assert "Comedy" in toy_story.attributes["genres"]  # type: ignore[operator]
