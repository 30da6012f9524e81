import json
import re
from collections import Counter
from typing import Any

import pytest

from examples import books_file

KEYS = ["item_id", "title", "description", "tags", "attributes", "published_at"]
ATTRIBUTES = ["author", "year", "subjects"]
# fmt: off
SUBJECTS = {
    "adventure", "art", "childhood", "comedy", "crime", "detective", "family", "ghosts",
    "history", "love", "marriage", "money", "myth", "nature", "philosophy", "politics",
    "religion", "satire", "science", "sea", "tragedy", "travel", "utopia", "war",
}
# fmt: on
Book = dict[str, Any]


@pytest.fixture(scope="module")
def books() -> list[Book]:
    return [json.loads(line) for line in books_file().read_text(encoding="utf-8").splitlines()]


def offenders(books: list[Book], fine: Any) -> list[str]:
    return [book["item_id"] for book in books if not fine(book)]


def repeated(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def test_the_file_lies_next_to_the_package() -> None:
    assert books_file().is_file()
    assert books_file().name == "books.jsonl"


def test_the_catalogue_holds_at_least_two_hundred_books(books: list[Book]) -> None:
    assert len(books) >= 200


def test_every_book_has_exactly_the_agreed_keys(books: list[Book]) -> None:
    assert offenders(books, lambda book: list(book) == KEYS) == []
    assert offenders(books, lambda book: list(book["attributes"]) == ATTRIBUTES) == []


def test_every_book_has_a_unique_id(books: list[Book]) -> None:
    assert repeated([book["item_id"] for book in books]) == []


def test_every_book_has_a_unique_title(books: list[Book]) -> None:
    assert repeated([book["title"].casefold() for book in books]) == []


def test_every_id_is_a_short_slug(books: list[Book]) -> None:
    slug = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
    assert offenders(books, lambda book: slug.fullmatch(book["item_id"])) == []
    assert offenders(books, lambda book: len(book["item_id"]) <= 48) == []


def test_every_description_has_one_or_two_sentences(books: list[Book]) -> None:
    ends = re.compile(r"[.?!](?=\s|$)")
    assert offenders(books, lambda book: len(ends.findall(book["description"])) in (1, 2)) == []
    assert offenders(books, lambda book: book["description"].endswith((".", "?", "!"))) == []


def test_every_description_has_60_to_400_characters(books: list[Book]) -> None:
    assert offenders(books, lambda book: 60 <= len(book["description"]) <= 400) == []


def test_no_two_descriptions_share_their_first_40_characters(books: list[Book]) -> None:
    assert repeated([book["description"][:40].casefold() for book in books]) == []


def test_no_text_has_stray_blanks(books: list[Book]) -> None:
    def tidy(book: Book) -> bool:
        texts = [book["title"], book["description"], book["attributes"]["author"], *book["tags"]]
        return all(text and text == " ".join(text.split()) for text in texts)

    assert offenders(books, tidy) == []


def test_every_book_has_two_to_four_lower_case_tags(books: list[Book]) -> None:
    def fine(book: Book) -> bool:
        tags = book["tags"]
        return 2 <= len(set(tags)) == len(tags) <= 4 and all(tag == tag.lower() for tag in tags)

    assert offenders(books, fine) == []


def test_every_book_has_two_to_four_subjects_from_the_vocabulary(books: list[Book]) -> None:
    def fine(book: Book) -> bool:
        subjects = book["attributes"]["subjects"]
        return 2 <= len(set(subjects)) == len(subjects) <= 4 and set(subjects) <= SUBJECTS

    assert offenders(books, fine) == []


def test_every_subject_is_carried_by_at_least_twelve_books(books: list[Book]) -> None:
    counts = Counter(subject for book in books for subject in book["attributes"]["subjects"])
    assert {subject: counts[subject] for subject in SUBJECTS if counts[subject] < 12} == {}


def test_the_readme_lists_every_subject() -> None:
    readme = books_file().with_name("README.md").read_text(encoding="utf-8")
    listed = re.search(r"from this list[^:]*:([^.]*)\.", readme)
    assert listed is not None
    assert set(re.findall(r"[a-z]+", listed[1])) == SUBJECTS


def test_every_year_is_a_string_of_digits_before_1929(books: list[Book]) -> None:
    def fine(book: Book) -> bool:
        year = book["attributes"]["year"]
        return bool(re.fullmatch(r"-?[1-9][0-9]*", year)) and -2000 <= int(year) < 1929

    assert offenders(books, fine) == []


def test_no_author_has_more_than_four_books(books: list[Book]) -> None:
    authors = Counter(book["attributes"]["author"] for book in books)
    assert {author: count for author, count in authors.items() if count > 4} == {}


def test_no_book_says_when_it_was_published(books: list[Book]) -> None:
    assert offenders(books, lambda book: book["published_at"] is None) == []
