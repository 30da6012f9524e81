"""
How much the items of a history speak for others: collaborative evidence, as features.

Each pair of an item and one that goes with it counts with the logarithm of its lift, so that many
weak hints add up as independent ones would; what differs between the features is which pairs count
and how fast older items of the history fade.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slates.crowd import CLOSE, NEAR, NO_PAIRS, SUPPORTERS, Crowd, Pairs
from streams.profiles import Entry, Profile

MOST = 20
"""Newest items of a history that count."""
LIFT = 10.0
"""How fast the logarithm leaves 0; from 5 to 100 made no difference on ml-100k."""
PRIOR = 2.0
"""Visits added to those of both items, so that one chance meeting is no certainty."""
DOUBT = 30.0
"""People behind the pairs of a history at which evidence counts half; where there is nothing but
chance its z-scores are as large as any."""
FADE = 0.8
"""What an item of the history counts less for each newer one."""
SLOW_FADE = 0.95
SITTING_FADE = 0.9
SITTING_SECONDS = 60.0
"""Age at which an item counts 1/e in `sitting`: what somebody does in one go belongs together."""
LONG_AGO = 1e9
"""Age from which on it makes no difference; clocks of strangers may be further off than float32."""

NAMES = ("together", "onward", "back", "close", "lasting", "sitting")
"""
Features, in the order of the columns.

`together`: by supporters, both ways; `onward`: those that people went on to; `back`: those they
came from; `close`: by gaps; `lasting`: both ways, fading slowly; `sitting`: onward, fading by the
clock.
"""

Sums = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    Of one history, added up for the items that somebody asks about.

    A history goes with thousands of items, and a slate is chosen from some two hundred.
    """

    pairs: Pairs
    """Of the items of the history, the newest first, with all that goes with them."""
    chance: NDArray[np.float32]
    """(e,) what each pair would have by chance."""
    ages: NDArray[np.float32]
    """Of the items of the history, in seconds."""
    trust: float
    """0 where nobody was there before, towards 1 with the number of people behind the pairs."""

    def strongest(self, n: int, allowed: NDArray[np.bool_]) -> tuple[NDArray[np.intp], Sums]:
        """At most n rows with the most evidence, among those allowed, in no order; `lasting`."""
        pairs, fades = self.pairs, _fades(self.ages)
        together = fades[0][pairs.place] * _lift(pairs.values[:, SUPPORTERS], self.chance)
        lasting = fades[1][pairs.place] * _lift(pairs.values[:, NEAR], self.chance)
        sums = [_sums(pairs.row, one, size=len(allowed)) for one in (together, lasting)]
        strength = np.where(allowed, sums[0] + sums[1], 0.0)
        rows = np.flatnonzero(strength)
        if len(rows) > n:
            rows = rows[np.argpartition(-strength[rows], n - 1)[:n]]
        return rows, sums[1][rows]

    def of(self, rows: NDArray[np.intp], *, size: int) -> Sums:
        """
        The features of some items.

        Args:
            rows: (m,) of the crowd, each once.
            size: Rows that the crowd has.

        Returns:
            (len(NAMES), m), 0 and above.
        """
        place_of = np.full(size, -1)
        place_of[rows] = np.arange(len(rows))
        places = place_of[self.pairs.row]
        meant = np.flatnonzero(places >= 0)
        columns = _columns(self.pairs.at(meant), self.chance[meant], self.ages)
        return np.stack([_sums(places[meant], column, size=len(rows)) for column in columns])


NO_EVIDENCE = Evidence(NO_PAIRS, np.zeros(0, np.float32), np.zeros(0, np.float32), trust=0.0)
"""Of a stranger, and where nobody asks."""


def visited(profile: Profile, visits: AbstractSet[str]) -> list[Entry]:
    """
    What the user came to, newest first, each item once; how they liked it is another matter.

    Args:
        profile: What is known of the user.
        visits: `streams.events.Gains.visits`, as the crowd was gathered by.
    """
    newest: dict[str, Entry] = {}
    for entry in reversed(profile.history):
        if entry.action in visits:
            newest.setdefault(entry.item_id, entry)
    return list(newest.values())


def gather_evidence(history: Sequence[Entry], crowd: Crowd, *, now: float) -> Evidence:
    """
    Add up what a history says of all items.

    Args:
        history: Newest first, each item once; the first `MOST` count.
        crowd: Who comes after whom.
        now: Event time, seconds since 1970.

    Source:
        A naive Bayes of co-occurrence: sums of log lifts; for sessions, Hidasi et al., ICLR 2016,
        and Ludewig and Jannach, UMUAI 2018, have its neighbours as the strong baseline.
    """
    if not history:
        return NO_EVIDENCE
    newest = history[:MOST]
    asked = [entry.item_id for entry in newest]
    mine = crowd.rows(asked)  # before anything is sized: an item nobody has told of gets a row here
    pairs, visits = crowd.pairs(asked), crowd.visits
    chance = np.sqrt(visits[mine][pairs.place] * visits[pairs.row]) + np.float32(PRIOR)
    ages = np.clip([now - entry.at for entry in newest], 0.0, LONG_AGO)
    return Evidence(pairs, chance, ages.astype(np.float32), _trust(pairs.values[:, SUPPORTERS]))


def _trust(supporters: NDArray[np.float32]) -> float:
    """
    How much there is behind pairs; one person alone may have come by chance, and counts for none.

    >>> _trust(np.array([1, 1, 30], np.float32))
    0.5
    """
    people = float(supporters[supporters >= 2].sum())
    return people / (people + DOUBT)


def _lift(values: NDArray[np.float32], chance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithm of what is there to what two items so popular would have by chance."""
    lift: NDArray[np.float32] = np.log(1 + LIFT * values / chance)
    return lift


def _fades(ages: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
    """What each item of a history counts, newest first: by place, slowly, and in one sitting."""
    places = np.arange(len(ages), dtype=np.float32)
    sitting = SITTING_FADE**places * np.exp(-ages / SITTING_SECONDS)
    return [one.astype(np.float32) for one in (FADE**places, SLOW_FADE**places, sitting)]


def _columns(
    pairs: Pairs, chance: NDArray[np.float32], ages: NDArray[np.float32]
) -> Sequence[NDArray[np.float32]]:
    """The features of each pair, in the order of `NAMES`."""
    fade, slow, sitting = (one[pairs.place] for one in _fades(ages))
    supporters, near, close = (_lift(pairs.values[:, k], chance) for k in (SUPPORTERS, NEAR, CLOSE))
    onward = np.where(pairs.after, near, np.float32(0))
    return (
        fade * supporters,
        fade * onward,
        fade * (near - onward),
        fade * close,
        slow * near,
        sitting * onward,
    )


def _sums(rows: NDArray[np.integer], column: NDArray[np.float32], *, size: int) -> Sums:
    """What the pairs of each item add up to."""
    sums = np.bincount(rows, weights=column, minlength=size)
    return sums.astype(np.float64, copy=False)  # of no pairs it counts in whole numbers
