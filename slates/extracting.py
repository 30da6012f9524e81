"""
Keywords and a first sentence, picked from a text by rule: what there is without a model.

The only module that imports yake and its splitter of sentences, segtok.  Keywords of a film's plot
take 10 ms of pure Python, as long as the text takes to be encoded: so they come after the item can
be found, and never on the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from slates.grounding import source_of, words_of
from streams.enhancements import ENGINE, Enhancement
from streams.items import Item, attribute_words, clean_text, content_hash

MOST_TAGS = 5
MOST_TAG_WORDS = 3
MOST_TAG_CHARS = 40
MOST_CHARS = 2_000
"""Characters of a description that are read, as many as the encoder is given: 25 ms."""
SUMMARY_CHARS = 200
"""Longest sentence that is shown; a longer one is cut after a word."""
OPENING_CHARS = 600
"""Characters among which the first sentence is looked for."""
LEAST_WORDS = 4
"""Words of a sentence that says something; "Wow!" does not."""

Extract: TypeAlias = Callable[[Item], Enhancement]
"""What an item's own text says of it; called in a thread."""


class Extractor:
    """
    yake and segtok, loaded once: 0.8 s.

    Source:
        YAKE: Campos et al., Information Sciences 2020.
    """

    def __init__(self, language: str = "en") -> None:
        """Read the words that are no keywords in a language, such as `en` or `de`."""
        import yake
        from segtok.segmenter import split_single

        self._split: Callable[[str], Iterable[str]] = split_single
        self._yake: Any = yake.KeywordExtractor(lan=language, n=2, top=20, dedup_lim=0.7)

    def __call__(self, item: Item) -> Enhancement:
        """What an item's own text says of it; nothing but its own words."""
        return Enhancement(
            of=content_hash(item.text()),
            by=ENGINE,
            summary=self.sentence(item.description),
            tags=self.keywords(item),
        )

    def keywords(self, item: Item) -> tuple[str, ...]:
        """Of the description, the best first, those that say what title and tags do not."""
        found = self._yake.extract_keywords(item.description[:MOST_CHARS])
        source = source_of(item.description)
        keywords = (word for word, _ in found if source.has_run(words_of(word)))
        words = (word for value in item.attributes.values() for word in attribute_words(value))
        return new_tags(keywords, (item.title, *item.tags, *words))

    def sentence(self, text: str) -> str:
        """The first sentence that has some words; it is cut where it is too long."""
        sentences = [clean_text(each) for each in self._split(text[:OPENING_CHARS])]
        long_enough = (each for each in sentences if len(words_of(each)) >= LEAST_WORDS)
        return _cut(next(long_enough, next(iter(sentences), "")))


def new_tags(tags: Iterable[str], told: Iterable[str]) -> tuple[str, ...]:
    """
    The first `MOST_TAGS` that are short, and no part of one before or of what is told already.

    >>> new_tags(["white whale", "whale", "Captain Ahab", "sea"], ["Moby-Dick", "sea"])
    ('white whale', 'Captain Ahab')
    """
    picked: list[str] = []
    said = source_of(*told)
    for tag in map(clean_text, tags):
        words = words_of(tag)
        short = 0 < len(words) <= MOST_TAG_WORDS and len(tag) <= MOST_TAG_CHARS
        if short and not said.has_run(words) and not source_of(*picked).has_run(words):
            picked.append(tag)
        if len(picked) == MOST_TAGS:
            break
    return tuple(picked)


def _cut(sentence: str) -> str:
    """
    At most `SUMMARY_CHARS` of it.

    >>> len(_cut("word " * 100)) <= SUMMARY_CHARS, _cut("word " * 100)[-5:]
    (True, 'word…')
    """
    if len(sentence) <= SUMMARY_CHARS:
        return sentence
    head = sentence[: SUMMARY_CHARS - 1]
    return (head.rpartition(" ")[0] or head).rstrip(" ,;:") + "…"
