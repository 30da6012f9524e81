"""
Does a text say no more than its source does?

Judged word by word, on the safe side: every word but those of grammar, every number and every name
of the text must be in the source, inflected at most.  Who did what to whom is not judged: a
sentence that turns the words of its source around passes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_WORD = re.compile(r"\w+(?:['’.,]\w+)*")
_ENDINGS = (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""))
_PAUSE = re.compile(r"[,;:.!?()\"“”—–]")
SHORTEST_STEM = 3
"""Letters that are left of a word at least; `bring` is no `br`."""

_GRAMMAR = """
    a about across along amid among an and are around as at be been being between both but
    by can for from had has have how in into is it its of off on onto or out over so than
    that the their them themselves there these they this those through to together toward
    towards under up was were what when where which while who whom whose with within
"""
GRAMMAR = frozenset(_GRAMMAR.split())
"""
Words that claim nothing by themselves.

Left out are those that do: he and she, before and after, not and without, all and only, one, two.
"""


@dataclass(frozen=True, slots=True)
class Source:
    """What may be said, in words."""

    words: frozenset[str]
    """Stems."""
    line: str
    """The same in their order, with spaces between and around."""

    def has_run(self, words: Collection[str]) -> bool:
        """Do these words stand in it one after another?"""
        return f" {' '.join(map(stem, words))} " in self.line


def source_of(*texts: str) -> Source:
    """
    Read texts as a source; no run of words goes from one to the next.

    >>> whale = source_of("Ahab hunts the white whales.", "1851")
    >>> whale.has_run(["white", "whale"]), whale.has_run(["whale", "1851"])
    (True, False)
    """
    stems = [[stem(word) for word in words_of(text)] for text in texts]
    line = " | ".join(" ".join(some) for some in stems)
    return Source(frozenset(word for some in stems for word in some), f" {line} ")


def words_of(text: str) -> list[str]:
    """
    The words of a text as they are written; those with a hyphen are several.

    >>> words_of("A one-legged captain's 3.5 tons, in 1851.")
    ['A', 'one', 'legged', "captain's", '3.5', 'tons', 'in', '1851']
    """
    return _WORD.findall(text)


def stem(word: str) -> str:
    """
    A word without its inflection, in small letters.

    >>> [stem(word) for word in ("hunts", "Hunting", "captain's", "stories", "chased", "bring")]
    ['hunt', 'hunt', 'captain', 'story', 'chas', 'bring']
    """
    bare = re.sub(r"['’]s?$", "", word.casefold())
    if not bare.isalpha():
        return bare
    for ending, instead in _ENDINGS:
        if bare.endswith(ending) and len(bare) - len(ending) >= SHORTEST_STEM:
            bare = bare.removesuffix(ending) + instead
            break
    if len(bare) > SHORTEST_STEM and bare[-1] == bare[-2]:
        bare = bare[:-1]  # stopped, stop
    return bare.removesuffix("e") if len(bare) > SHORTEST_STEM else bare


def unsupported(text: str, source: Source, *, allowed: Collection[str] = ()) -> list[str]:
    """
    The words, numbers and names that a text has and its source has not.

    Args:
        text: What is said.
        source: What may be.
        allowed: Words that may be said besides, in small letters.

    >>> source = source_of("Captain Ahab hunts a white whale.  Ishmael tells of it.")
    >>> unsupported("Ahab is hunting the whale.", source)
    []
    >>> unsupported("Captain Ishmael killed 2 whales.", source)
    ['Captain Ishmael', 'killed', '2']
    """
    said = GRAMMAR | set(allowed)
    runs = [" ".join(run) for run in _names(text, said) if not source.has_run(run)]
    missing = [
        word
        for word in words_of(text)
        if word.casefold() not in said and stem(word) not in source.words
    ]
    return [*runs, *missing]


def _names(text: str, said: Collection[str]) -> Iterator[list[str]]:
    """Runs of two and more words with capitals, without those that may be said anyway."""
    for part in _PAUSE.split(text):
        run: list[str] = []
        for word in [*words_of(part), ""]:
            if word[:1].isupper() and word.casefold() not in said:
                run.append(word)
                continue
            if len(run) > 1:
                yield run
            run = []
