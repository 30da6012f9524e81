"""
Titles as models write them: which item is meant, or none.

A title stands for an item only where its name is one of the item's and its year does not speak
against it.  Nothing is guessed: what is not found is not in the catalogue.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, Protocol

OFF = 1
"""Years by which a title may differ: a film of December is of the next year elsewhere."""
LONGEST = 300
"""Characters of a title that are looked at."""
ALIAS = 3
"""Letters that what stands in parentheses must have to be a name: `ID4` is none, `Se7en` is."""

_YEAR = r"\(((?:18|19|20)\d\d)\)"
_ENDS_WITH_YEAR = re.compile(rf"(.+?)\s*{_YEAR}\s*", re.DOTALL)
_HAS_YEAR = re.compile(rf"(.+?)\s*{_YEAR}.*", re.DOTALL)
_ASIDE = re.compile(r"\(([^()]*)\)")
_ALSO_KNOWN = re.compile(r"^a\.?k\.?a\.?\s+", re.IGNORECASE)
_ARTICLES = "the|a|an|le|la|les|l'|el|los|las|il|lo|gli|i|un|une|der|die|das|den|det"
_ARTICLE_BEHIND = re.compile(rf"(.+?),\s*({_ARTICLES})$", re.IGNORECASE)
_ARTICLE_BEFORE = re.compile(r"^(?:the|a|an) (?=\w)")
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = "'’`´"


class Named(NamedTuple):
    """A title, taken apart."""

    names: tuple[str, ...]
    """Normalised, its own first, then those in parentheses."""
    year: int | None


class Titles(Protocol):
    """Whoever knows which item a title means."""

    def find(self, title: str) -> str | None:
        """The id of the item; None where there is none, or where several could be meant."""


@lru_cache(maxsize=20_000)
def take_apart(title: str) -> Named:
    """
    The names and the year of a title, whatever is written around them.

    >>> take_apart("Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)")
    Named(names=('good the bad and the ugly', 'il buono il brutto il cattivo'), year=1966)
    >>> take_apart("The Good, the Bad & the Ugly (1966) - a great western")
    Named(names=('good the bad and the ugly',), year=1966)
    """
    title = title[:LONGEST]
    found = _ENDS_WITH_YEAR.fullmatch(title) or _HAS_YEAR.fullmatch(title)
    name, year = (found[1], int(found[2])) if found else (title, None)
    return Named(tuple(dict.fromkeys(filter(None, _names(name)))), year)


def _names(name: str) -> Iterator[str]:
    bare = _ASIDE.sub(" ", name).strip()
    yield normalise(bare if bare and not name.lstrip().startswith("(") else name)
    for aside in _ASIDE.findall(name):
        alias = _ALSO_KNOWN.sub("", aside.strip())
        if sum(letter.isalpha() for letter in alias) >= ALIAS:
            yield normalise(alias)


def normalise(name: str) -> str:
    """
    One way to write a name: no accents, case, punctuation or leading English article.

    >>> normalise("Matrix, The"), normalise("Léon: The Professional"), normalise("Boot, Das")
    ('matrix', 'leon the professional', 'das boot')
    """
    if behind := _ARTICLE_BEHIND.fullmatch(name.strip()):
        name = f"{behind[2]} {behind[1]}"
    letters = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    plain = "".join(c for c in letters if c not in _APOSTROPHES and not unicodedata.combining(c))
    return _ARTICLE_BEFORE.sub("", " ".join(_WORD.findall(plain)))


class ByName:
    """
    A `Titles` by normalised name and year.

    >>> films = ByName([("7", "Seven (a.k.a. Se7en) (1995)"), ("8", "Seven Samurai (1954)")])
    >>> films.find("Se7en (1995)"), films.find("Seven"), films.find("Seven (1979)")
    ('7', '7', None)
    """

    def __init__(self, titles: Iterable[tuple[str, str]] = ()) -> None:
        """
        Take in what there is.

        Args:
            titles: Item id and title, its year in parentheses at the end where it has one.
        """
        self._named: dict[str, Named] = {}
        self._known: defaultdict[str, list[tuple[int | None, str]]] = defaultdict(list)
        for item_id, title in titles:
            self.put(item_id, title)

    def put(self, item_id: str, title: str) -> None:
        """Add an item, or give it another title."""
        self.discard(item_id)
        named = self._named[item_id] = take_apart(title)
        for name in named.names:
            self._known[name].append((named.year, item_id))

    def discard(self, item_id: str) -> None:
        """Take an item out; unknown ones are no error."""
        named = self._named.pop(item_id, None)
        for name in () if named is None else named.names:
            left = [known for known in self._known[name] if known[1] != item_id]
            if left:
                self._known[name] = left
            else:
                del self._known[name]

    def find(self, title: str) -> str | None:
        """The id of the item; None where there is none, or where several could be meant."""
        named = take_apart(title)
        names = named.names[:1] if named.year is None else named.names
        found = (self._one(name, named.year) for name in names)
        return next((item_id for item_id in found if item_id is not None), None)

    def _one(self, name: str, year: int | None) -> str | None:
        """The one item of that name: of that year first, then of one beside it, or of no year."""
        known = self._known.get(name, ())
        if year is None:
            return _alone(item_id for _, item_id in known)
        same = {item_id for at, item_id in known if at == year}
        near = {item_id for at, item_id in known if at is None or abs(at - year) <= OFF}
        return _alone(same or near)


def _alone(item_ids: Iterable[str]) -> str | None:
    unique = set(item_ids)
    return unique.pop() if len(unique) == 1 else None


def may_be(title: str, other: str) -> bool:
    """
    Could two titles mean the same item, if their names do?  Numbers tell sequels and remakes apart.

    >>> may_be("Alien 3 (1992)", "Alien³ (1992)"), may_be("Rocky II", "Rocky III (1982)")
    (True, False)
    >>> may_be("Cape Fear (1962)", "Cape Fear (1991)"), may_be("Cape Fear", "Cape Fear (1991)")
    (False, True)
    """
    one, two = take_apart(title), take_apart(other)
    years = one.year is None or two.year is None or abs(one.year - two.year) <= OFF
    return years and _numbers(one) == _numbers(two)


def _numbers(named: Named) -> list[str]:
    """Of its own name; `ii` and the like are numbers, `i` is a word."""
    return sorted(
        re.findall(r"\d+|\b(?:ii|iii|iv|v|vi|vii|viii|ix|x)\b", " ".join(named.names[:1]))
    )
