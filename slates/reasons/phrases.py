"""
The phrase that two items have in common: the words by which a reader sees that they are alike.

Looked for in titles, tags and the words of attributes; descriptions do not travel with a vector,
so nothing is said about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import TypeAlias

from streams.items import AttributeValue, ItemFacts, attribute_words

MAX_RUN = 5
"""Most words of a phrase."""
MAX_FIELD_CHARS = 200
"""Longest title or tag looked at; a longer one is a text of its own."""
MAX_FIELDS = 40
"""Titles, tags and words of an item looked at."""

_FILLING = """
    a about after all an and are as at be but by for from had has he her his how i in into is it
    its more my new no not of off on one or other our out over she so some story tale than that
    the their them then there these they this to two under up vol volume was we were what when
    which who why with you your part book edition
"""
_EMPTY = frozenset(_FILLING.split())
"""Words that say nothing on their own, and do not begin or end a phrase."""

Field: TypeAlias = tuple[str, str]
"""Attribute and word; the attribute is empty for titles and tags."""
Spoken: TypeAlias = Mapping[Field, tuple[str, ...]]
"""The fields of an item, each with its words."""


def spoken(facts: ItemFacts) -> Spoken:
    """What the facts of an item say, in words."""
    return _spoken((facts.title, *facts.tags), tuple(facts.attributes.items()))


@lru_cache(maxsize=5_000)
def _spoken(texts: tuple[str, ...], attributes: tuple[tuple[str, AttributeValue], ...]) -> Spoken:
    """Kept for the items that many slates show, or many users liked."""
    fields = islice(_fields(texts, attributes), MAX_FIELDS)
    return {field: words_of(field[1]) for field in fields if len(field[1]) <= MAX_FIELD_CHARS}


def _fields(
    texts: Iterable[str], attributes: Iterable[tuple[str, AttributeValue]]
) -> Iterator[Field]:
    for text in texts:
        yield "", text
    for name, value in attributes:
        for word in attribute_words(value):
            yield name, word


@lru_cache(maxsize=20_000)
def words_of(text: str) -> tuple[str, ...]:
    """
    The words of a text, lower case, without what clings to them.

    >>> words_of("The Sci-Fi (Sea) Story!")
    ('the', 'sci-fi', 'sea', 'story')
    """
    bare = (_bare(part) for part in text.split())
    return tuple(word.lower() for word in bare if word)


def _bare(part: str) -> str:
    begin, end = 0, len(part)
    while begin < end and not part[begin].isalnum():
        begin += 1
    while begin < end and not part[end - 1].isalnum():
        end -= 1
    return part[begin:end]


def common_phrase(mine: Spoken, theirs: Spoken) -> str:
    """
    The longest run of words that both have; "" where they have none worth naming.

    A word that both have whole under the same attribute is another kind of reason, and left out.

    >>> a, b = ItemFacts("The Sea Wolf"), ItemFacts("Wolf", tags=("sea wolf",))
    >>> common_phrase(spoken(a), spoken(b)), common_phrase(spoken(b), spoken(ItemFacts("The")))
    ('sea wolf', '')
    """
    ours = [words for field, words in mine.items() if not (field[0] and field in theirs)]
    others = [words for field, words in theirs.items() if not (field[0] and field in mine)]
    common = _full_words(ours) & _full_words(others)
    if not common:
        return ""
    both = _runs(ours, common) & _runs(others, common)
    if not both:
        return ""
    return min(both, key=lambda run: (-len(run.split()), -len(run), run))


def _full_words(fields: Iterable[tuple[str, ...]]) -> frozenset[str]:
    nothing: frozenset[str] = frozenset()
    return nothing.union(*map(_full_words_of, fields))


@lru_cache(maxsize=20_000)
def _full_words_of(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(filter(_is_full, words))


def _is_full(word: str) -> bool:
    return len(word) > 2 and word not in _EMPTY and not word.isdigit()


def _runs(fields: Iterable[tuple[str, ...]], ends: frozenset[str]) -> set[str]:
    return {run for words in fields for run in _runs_of(words, ends)}


def _runs_of(words: tuple[str, ...], ends: frozenset[str]) -> Iterator[str]:
    """Runs of plain words that begin and end with one that both have."""
    places = [place for place, word in enumerate(words) if word in ends]
    for begin in places:
        for end in places:
            if begin <= end < begin + MAX_RUN and all(map(_is_plain, words[begin : end + 1])):
                yield " ".join(words[begin : end + 1])


def _is_plain(word: str) -> bool:
    """Has it no markup in it, and the like?"""
    return word.isalnum() or all(c.isalnum() or c in "-'’" for c in word)
