"""
What may be said in a language, as data: `slates/told/tongues/*.toml`, or a file of one's own.

A language that nobody has written down cannot be checked, so nothing is told in it.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import count
from pathlib import Path

import msgspec

from streams.errors import BadSetting

MARKS = "\ue000-\uf8ff"
"""Private characters, as a class of regular expressions; they stand for names in a sentence."""
SHIPPED = ("en", "de", "zh")

_SLOT = re.compile(r"<([a-z_]+)>")
_NUMBERS = frozenset({"people", "of", "percent", "days", "lately", "lately_days"})
_ATTRIBUTE = r"[^\W\d]+(?:[ -][^\W\d]+)?"
_DEEDS = ("liked", "bought", "opened")
_MORE = {True: r"\w", False: "[0-9]"}
"""What must not follow, or the last word or number is cut off; by whether words have spaces."""


class Saying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to say something."""

    say: str
    """A regular expression with `<slots>`; case does not matter."""
    when: str = ""
    """What must be so besides, see `slates.told.claims`."""


class _Pieces(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    denies: str = ""
    hedges: str = ""
    binds: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    language: str
    name: str
    points: str
    words: str
    phrases: tuple[str, ...]
    macros: Mapping[str, str]
    deeds: Mapping[str, str]
    ago: Mapping[str, str]
    every: Mapping[str, str]
    claims: Mapping[str, tuple[Saying, ...]]
    examples: tuple[Saying, ...]
    spaced: bool = True
    pieces: _Pieces = _Pieces()


@dataclass(frozen=True, slots=True)
class Claim:
    """A way to say something that evidence can bear out."""

    pattern: re.Pattern[str]
    """Its groups are slots, each with a number behind it, such as `people__3`."""
    when: str


@dataclass(frozen=True, slots=True, eq=False)
class Tongue:
    """A language in which sentences can be proven."""

    language: str
    name: str
    """As a model knows it."""
    spaced: bool
    """Do spaces stand between words?"""
    points: frozenset[str]
    """Punctuation that may stand between what is said."""
    filling: Mapping[str, tuple[str, ...]]
    """First letter to words and phrases that claim nothing, the longest first."""
    claims: Mapping[str, tuple[Claim, ...]]
    """Kind of evidence, or `acted` for all evidence of what the user did, to what it can prove."""
    denies: frozenset[str]
    """Words by which a sentence says that something is not so."""
    hedges: frozenset[str]
    """Words by which a part of a sentence says less than the rest of it."""
    binds: frozenset[str]
    """Words that say nothing without the next one."""
    examples: tuple[str, ...]


@lru_cache(maxsize=8)
def load_tongue(language: str, path: Path | None = None) -> Tongue:
    """
    Read a language.

    Args:
        language: One of `SHIPPED`, or that of the file.
        path: A file of one's own.

    Raises:
        BadSetting: There is no such language, or the file cannot be used.
    """
    try:
        if path is not None:
            text = path.read_text("utf-8")
        else:
            text = (
                files("slates").joinpath("told", "tongues", f"{language}.toml").read_text("utf-8")
            )
        found = msgspec.convert(tomllib.loads(text), _File)
        tongue = _compiled(found)
    except FileNotFoundError as exc:
        known = ", ".join(SHIPPED)
        raise BadSetting(
            f"language {language!r}: sentences cannot be checked in it; known are {known}, others "
            "need a file (docs/reasons.md)"
        ) from exc
    except (OSError, ValueError, KeyError, msgspec.ValidationError, re.error) as exc:
        raise BadSetting(f"language {language!r}: {path or 'its file'}: {exc}") from exc
    if tongue.language != language:
        raise BadSetting(f"language {language!r}: {path} is of language {tongue.language!r}")
    return tongue


def _compiled(file: _File) -> Tongue:
    filling: dict[str, list[str]] = defaultdict(list)
    for words in sorted({*file.words.split(), *file.phrases}, key=lambda words: -len(words)):
        filling[words[0]].append(words.lower())
    return Tongue(
        language=file.language,
        name=file.name,
        spaced=file.spaced,
        points=frozenset(file.points),
        filling={first: tuple(words) for first, words in filling.items()},
        claims={
            kind: tuple(Claim(_pattern(one.say, file), one.when) for one in sayings)
            for kind, sayings in file.claims.items()
        },
        denies=frozenset(file.pieces.denies.split()),
        hedges=frozenset(file.pieces.hedges.split()),
        binds=frozenset(file.pieces.binds.split()),
        examples=tuple(one.say for one in file.examples),
    )


def _pattern(say: str, file: _File) -> re.Pattern[str]:
    """Macros are spelt out first, then every slot becomes a group of its own."""
    while (said := _SLOT.sub(lambda found: file.macros.get(found[1], found[0]), say)) != say:
        say = said
    number = count(1)
    said = _SLOT.sub(lambda found: _slot(found[1], next(number), file), say)
    return re.compile(rf"(?:{said})(?!{_MORE[file.spaced]})", re.IGNORECASE)


def _slot(name: str, number: int, file: _File) -> str:
    """The group of a slot."""
    if name in ("ago", "every"):
        return _time(name, number, getattr(file, name))
    if name == "did":
        deeds = (f"(?P<{deed}__{number}>{file.deeds[deed]})" for deed in _DEEDS)
        return f"(?:{'|'.join(deeds)})"
    if name == "pleased":
        return f"(?P<liked__{number}>{file.deeds[name]})"
    return f"(?P<{name}__{number}>{_filled(name, file)})"


def _filled(name: str, file: _File) -> str:
    """What can fill a slot."""
    both = file.macros["and"]
    between = f"(?:, (?:{both} )?| (?:{both}) )" if file.spaced else f"(?:{both})"
    names = f"[{MARKS}](?:{between}[{MARKS}])*"
    one = f"[{MARKS}]"
    ways = {"item": one, "phrase": one, "titles": names, "words": names, "attribute": _ATTRIBUTE}
    ways |= dict.fromkeys(_NUMBERS, "[0-9]+")
    if name not in ways:
        raise ValueError(f"<{name}> is no slot and no macro")
    return ways[name]


def _time(name: str, number: int, said: Mapping[str, str]) -> str:
    """A number of days, the smallest of which have words of their own."""
    ways = [f"(?P<{name}{days}__{number}>{words})" for days, words in said.items() if days != "n"]
    many = said["n"].replace("<n>", f"(?P<{name}__{number}>[0-9]+)")
    return f"(?:{'|'.join([*ways, many])})"
