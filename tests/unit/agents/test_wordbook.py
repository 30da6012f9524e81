"""Words and titles of a live catalogue are found a step after it changed, and nobody waits."""

from __future__ import annotations

from agents.wordbook import STEP, Wordbook
from streams.items import ItemFacts


async def taken_in(book: Wordbook) -> int:
    steps = 0
    while await book.catch_up():
        steps += 1
    return steps


def ids(book: Wordbook, words: str) -> list[str]:
    return [item_id for item_id, _ in book.search(words, n=5)]


async def test_an_item_is_found_by_its_title_and_by_its_words_until_it_is_gone() -> None:
    book = Wordbook()
    book.put("emma", ItemFacts("Emma (1815)", tags=("comedy",)))
    assert (ids(book, "comedy"), book.titles.find("Emma")) == ([], None)
    await taken_in(book)
    assert (ids(book, "a comedy"), book.titles.find("Emma")) == (["emma"], "emma")
    book.discard("emma")
    await taken_in(book)
    assert (ids(book, "comedy"), book.titles.find("Emma")) == ([], None)


async def test_of_an_item_that_changes_the_last_words_count() -> None:
    book = Wordbook()
    book.put("a", ItemFacts("Comedy"))
    book.put("a", ItemFacts("Tragedy"))
    book.discard("a")
    book.put("a", ItemFacts("Farce"))
    await taken_in(book)
    assert (ids(book, "comedy tragedy"), ids(book, "farce")) == ([], ["a"])


async def test_a_large_catalogue_comes_in_steps() -> None:
    book = Wordbook()
    for n in range(2 * STEP + 1):
        book.put(f"i{n}", ItemFacts(f"Number {n}"))
    assert await taken_in(book) == 3
    assert ids(book, "499") == ["i499"]


async def test_nobody_waits_while_words_are_indexed() -> None:
    book = Wordbook()
    book.put("emma", ItemFacts("Emma"))
    await taken_in(book)
    with book._busy:
        assert ids(book, "emma") == []
    assert ids(book, "emma") == ["emma"]
