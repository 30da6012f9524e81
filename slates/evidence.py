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

from slates.crowd import CLOSE, NEAR, SUPPORTERS, Crowd, Pairs, Rows
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

NAMES = ("together", "onward", "back", "close", "lasting", "sitting")
"""
Features, in the order of the columns.

`together`: by supporters, both ways; `onward`: those that people went on to; `back`: those they
came from; `close`: by gaps; `lasting`: both ways, fading slowly; `sitting`: onward, fading by the
clock.
"""
LASTING = NAMES.index("lasting")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one history."""

    totals: NDArray[np.float64]
    """(len(NAMES), rows of the crowd), 0 and above."""
    trust: float = 0.0
    """0 where nobody was there before, towards 1 with the number of people behind the pairs."""

    def strongest(self, n: int, allowed: NDArray[np.bool_]) -> NDArray[np.intp]:
        """At most n rows with the most evidence, among those allowed; in no order."""
        strength = np.where(allowed, self.totals[0] + self.totals[LASTING], 0.0)
        rows = np.flatnonzero(strength)
        if len(rows) <= n:
            return rows
        return rows[np.argpartition(-strength[rows], n - 1)[:n]]


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
    newest = history[:MOST]
    asked = [entry.item_id for entry in newest]
    mine = crowd.rows(asked)  # before anything is sized: an item nobody has told of gets a row here
    pairs, size = crowd.pairs(asked), len(crowd)
    if not len(pairs.row):
        return Evidence(np.zeros((len(NAMES), size)))
    ages = np.array([max(now - entry.at, 0.0) for entry in newest], np.float32)
    columns = _columns(pairs, _lifts(pairs, mine, crowd.visits), ages)
    sums = [np.bincount(pairs.row, weights=column, minlength=size) for column in columns]
    return Evidence(np.stack(sums), _trust(pairs.values[:, SUPPORTERS]))


def _trust(supporters: NDArray[np.float32]) -> float:
    """
    How much there is behind pairs; one person alone may have come by chance, and counts for none.

    >>> _trust(np.array([1, 1, 30], np.float32))
    0.5
    """
    people = float(supporters[supporters >= 2].sum())
    return people / (people + DOUBT)


def _lifts(pairs: Pairs, asked: Rows, visits: NDArray[np.float32]) -> NDArray[np.float32]:
    """(e, 3) logarithm of what is there to what two items so popular would have by chance."""
    mine = visits[asked][pairs.place]
    expected = np.sqrt(mine * visits[pairs.row]) + np.float32(PRIOR)
    lifts: NDArray[np.float32] = np.log(1 + LIFT * pairs.values / expected[:, None])
    return lifts


def _columns(
    pairs: Pairs, lifts: NDArray[np.float32], ages: NDArray[np.float32]
) -> Sequence[NDArray[np.float32]]:
    """The features of each pair, in the order of `NAMES`."""
    places = np.arange(len(ages), dtype=np.float32)
    fade = (FADE**places).astype(np.float32)[pairs.place]
    slow = (SLOW_FADE**places).astype(np.float32)[pairs.place]
    sitting = (SITTING_FADE**places * np.exp(-ages / SITTING_SECONDS)).astype(np.float32)
    near = lifts[:, NEAR]
    onward = np.where(pairs.after, near, np.float32(0))
    return (
        fade * lifts[:, SUPPORTERS],
        fade * onward,
        fade * (near - onward),
        fade * lifts[:, CLOSE],
        slow * near,
        sitting[pairs.place] * onward,
    )
