"""In what two profiles or trends differ, for a person and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import msgspec

from agents.wording import printable
from streams.origins import Origin
from streams.predecessors import Predecessors, alike
from streams.profiles import Profile
from streams.trends import Trend

SHOWN = 80
"""Characters shown of a value that differs."""
SAME = 1e-9
"""
Relative difference of popularities that are the same.

The last digits depend on the order in which co-visits of different partitions came.
"""


@dataclass(frozen=True, slots=True)
class Named:
    """A profile or a trend."""

    topic: str
    """Its changelog."""
    key: str
    partition: int | None = None
    """Of `events`; None for a trend, which has events of all."""

    def __str__(self) -> str:
        """
        As it is named on a screen.

        >>> str(Named("profiles", "ann", 3)), str(Named("item-trends", "dune"))
        ("profiles 'ann' (partition 3)", "item-trends 'dune'")
        """
        place = "" if self.partition is None else f" (partition {self.partition})"
        return printable(f"{self.topic} {self.key!r}{place}")


@dataclass(frozen=True, slots=True)
class Difference:
    """A profile or trend that is other than the log says."""

    of: Named
    live: Profile | Trend | None
    replayed: Profile | Trend | None
    lacks: Origin | None = None
    """The first committed event that should be in the live value and by its guard is not."""

    def phrases(self) -> list[str]:
        """What is wrong, in a few words each."""
        said = [] if self.lacks is None else [f"lacks {self.lacks}, which is committed"]
        if self.live is None:
            return ["missing in the live state", *said]
        if self.replayed is None:
            return ["live, though by the log there should be none", *said]
        differ = unlike(self.live, self.replayed)
        return said + [_phrase(name, *values) for name, values in differ.items()]

    def as_object(self) -> dict[str, Any]:
        """All of it, as one JSON object."""
        return {
            "topic": self.of.topic,
            "key": self.of.key,
            "partition": self.of.partition,
            "in_live": self.live is not None,
            "in_replayed": self.replayed is not None,
            "lacks": None if self.lacks is None else str(self.lacks),
            "fields": msgspec.to_builtins(
                {
                    name: {"live": ours, "replayed": theirs}
                    for name, (ours, theirs) in unlike(self.live, self.replayed).items()
                }
            ),
        }


def unlike(
    live: Profile | Trend | None, replayed: Profile | Trend | None
) -> dict[str, tuple[Any, Any]]:
    """
    Field to its two values, of the fields in which two profiles or two trends differ.

    Where there is only one there are none; the version of their layout counts for nothing.

    >>> unlike(Profile(offset=7, version=0), Profile(offset=8))
    {'offset': (7, 8)}
    >>> unlike(Trend(popularity=0.3), Trend(popularity=0.1 + 0.2))
    {}
    """
    if live is None or replayed is None:
        return {}
    pairs = {
        name: (getattr(live, name), getattr(replayed, name))
        for name in type(live).__struct_fields__
        if name != "version"
    }
    return {name: pair for name, pair in pairs.items() if not _same(*pair)}


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float):
        return math.isclose(ours, theirs, rel_tol=SAME, abs_tol=1e-12)
    if isinstance(ours, Predecessors):
        return alike(ours, theirs)
    return bool(ours == theirs)


def _phrase(name: str, ours: Any, theirs: Any) -> str:
    """
    One field, with no more of its values than tells the difference.

    >>> _phrase("seen", ("dune", "emma", "moby"), ("dune", "moby"))
    "seen: live 3, replayed 2, first other at 1: live 'emma', replayed 'moby'"
    >>> _phrase("counters", {"like": 1, "click": 2}, {"click": 1, "like": 1})
    "counters: live {'click': 2}, replayed {'click': 1}"
    """
    where = ""
    if isinstance(ours, Sequence) and not isinstance(ours, str):
        where = f" live {len(ours)}, replayed {len(theirs)},"
        at, (ours, theirs) = next(
            (place, pair)
            for place, pair in enumerate(zip_longest(ours, theirs))
            if len({*pair}) > 1
        )
        where += f" first other at {at}:"
    elif isinstance(ours, Mapping):
        ours, theirs = _only(ours, theirs), _only(theirs, ours)
    return f"{name}:{where} live {_short(ours)}, replayed {_short(theirs)}"


def _only(these: Mapping[Any, Any], those: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in these.items() if those.get(key) != value}


def _short(value: Any) -> str:
    text = printable(repr(value))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
