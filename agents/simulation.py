"""
Simulated users with a mind of their own, to show and to test that slates follow it.

Pure: all chance comes from the generator handed in, so the same seed gives the same people doing
the same.  What they do is drawn from one click model, and the random control uses the same one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Literal, Protocol, TypeAlias

from streams.errors import SetupError
from streams.items import AttributeValue, attribute_words

Action: TypeAlias = Literal["click", "like", "skip"]

SUBJECTS = ("subjects", "genres")
"""Attributes that say what an item is about; an item without either is about its tags."""
STRONG = (0.75, 1.0)
"""How much a user cares for one of his interests, at home in this range."""
WEAK = (0.0, 0.15)
"""How much for any other subject; nothing for those that are new to the world."""
INTERESTS = (2, 4)
"""How many interests a user has, both ends included."""
FANS = 0.5
"""Share of users with a favourite author."""
FAN_BONUS = 0.5
"""How much nearer to perfect the works of the favourite author are."""
STEP = 0.03
"""Spread of the step that each weight takes per visit."""
PULL = 0.1
"""Part of the way home per visit, so that no taste wears off into indifference."""
SWAP = 0.04
"""Chance per visit that one interest gives way to another: one in 25 visits."""
LEAST_CLICK, MOST_CLICK = 0.01, 0.8
"""Chance to click what is examined, of affinity 0 and 1."""
LIKED, LIKES = 0.6, 0.5
"""Affinity from which a click is a like, and how often it then is."""
SKIPPED, SKIPS = 0.15, 0.05
"""Affinity up to which what is examined may be skipped, and how often it then is."""
SATED = 0.4
"""Share of the catalogue a user acts on before a newcomer takes the place."""


class ItemLike(Protocol):
    """As much of an item as a user looks at."""

    @property
    def item_id(self) -> str:
        """Its id."""

    @property
    def tags(self) -> tuple[str, ...]:
        """What it is about where no attribute says so."""

    @property
    def attributes(self) -> Mapping[str, AttributeValue]:
        """Where `SUBJECTS` and `author` are found."""


@dataclass(frozen=True, slots=True)
class Click:
    """What a user did at a position, from 0, of a slate; a like is a click as well, a skip none."""

    position: int
    item_id: str
    action: Action


def count_clicks(done: Iterable[Click]) -> int:
    """
    How many items were clicked.

    >>> count_clicks([Click(0, "dune", "like"), Click(1, "emma", "skip")])
    1
    """
    return sum(click.action != "skip" for click in done)


def examination(position: int) -> float:
    """
    Chance that a place on the slate, from 0, is looked at at all.

    Source:
        The discount of DCG (Järvelin and Kekäläinen, TOIS 2002) as a position-based click model.

    >>> [round(examination(position), 2) for position in (0, 1, 9)]
    [1.0, 0.63, 0.29]
    """
    return 1 / math.log2(position + 2)


def appeal(affinity: float) -> float:
    """
    Chance of a click on what is examined; grows with the square, so a half match is no match.

    >>> [round(appeal(affinity), 2) for affinity in (0.0, 0.5, 1.0)]
    [0.01, 0.21, 0.8]
    """
    return LEAST_CLICK + (MOST_CLICK - LEAST_CLICK) * affinity**2


def subjects_of(item: ItemLike) -> tuple[str, ...]:
    """What an item is about."""
    words = [w for name in SUBJECTS for w in attribute_words(item.attributes.get(name, ()))]
    return tuple(dict.fromkeys(words)) or item.tags


def authors_of(item: ItemLike) -> tuple[str, ...]:
    """Who wrote it."""
    return attribute_words(item.attributes.get("author", ()))


@dataclass(frozen=True, slots=True)
class World:
    """What there is to care for: subjects by number of items, authors once for each item."""

    subjects: Mapping[str, int]
    authors: tuple[str, ...]


def world_of(catalogue: Iterable[ItemLike]) -> World:
    """What a catalogue is about, and by whom."""
    items = tuple(catalogue)
    return World(
        subjects=Counter(subject for item in items for subject in subjects_of(item)),
        authors=tuple(author for item in items for author in authors_of(item)),
    )


class SimulatedUser:
    """
    Somebody with a taste that drifts, who clicks nothing twice.

    Interests are found in `world`, common subjects more often than rare ones.  `rng` is this user's
    own; shared, it would make what one does depend on what others do.
    """

    def __init__(self, user_id: str, *, world: World, rng: Random) -> None:
        self.user_id = user_id
        self.acted: set[str] = set()
        """Items clicked, liked or skipped: never acted on again."""
        self._world = world
        self._rng = rng
        self._home = {subject: rng.uniform(*WEAK) for subject in world.subjects}
        for _ in range(rng.randint(*INTERESTS)):
            self._take_up()
        self._weights = dict(self._home)
        fan = rng.random() < FANS and world.authors
        self.favourite = rng.choice(world.authors) if fan else None

    @property
    def interests(self) -> tuple[str, ...]:
        """The subjects whose home is among the strong ones, whatever today's mood."""
        return tuple(subject for subject, home in self._home.items() if home >= STRONG[0])

    def affinity(self, item: ItemLike) -> float:
        """How much an item is to the user's taste as it is now, from 0 to 1."""
        weights = [self._weights.get(subject, 0.0) for subject in subjects_of(item)]
        taste = sum(weights) / len(weights) if weights else 0.0
        return taste + (1 - taste) * FAN_BONUS * (self.favourite in authors_of(item))

    def expected_clicks(self, shown: Sequence[ItemLike]) -> float:
        """Clicks on this slate, on average over chance; nothing happens."""
        return sum(
            examination(position) * appeal(self.affinity(item))
            for position, item in enumerate(shown)
            if item.item_id not in self.acted
        )

    def visit(self, shown: Sequence[ItemLike]) -> list[Click]:
        """Look at a slate and act on some of it, in the order shown; then the taste drifts."""
        acts = ((place, item, self._act(item, place)) for place, item in enumerate(shown))
        done = [Click(place, item.item_id, action) for place, item, action in acts if action]
        self.drift()
        return done

    def drift(self) -> None:
        """Let every weight take a small step; now and then give up one interest for another."""
        if self._rng.random() < SWAP and self.interests:
            self._home[self._rng.choice(self.interests)] = self._rng.uniform(*WEAK)
            self._take_up()
        for subject, home in self._home.items():
            pulled = home + (1 - PULL) * (self._weights[subject] - home)
            self._weights[subject] = min(1.0, max(0.0, pulled + self._rng.gauss(0, STEP)))

    def _act(self, item: ItemLike, position: int) -> Action | None:
        chance = self._rng.random
        if item.item_id in self.acted or chance() >= examination(position):
            return None
        affinity = self.affinity(item)
        if chance() < appeal(affinity):
            self.acted.add(item.item_id)
            return "like" if affinity >= LIKED and chance() < LIKES else "click"
        if affinity <= SKIPPED and chance() < SKIPS:
            self.acted.add(item.item_id)
            return "skip"
        return None

    def _take_up(self) -> None:
        others = {s: n for s, n in self._world.subjects.items() if self._home[s] < STRONG[0]}
        if others:
            (subject,) = self._rng.choices(list(others), weights=list(others.values()))
            self._home[subject] = self._rng.uniform(*STRONG)


class Population:
    """
    Users who come and go over one catalogue, and the random control to compare slates with.

    There are `users` at a time.  The catalogue may grow: new items are in the control at once, but
    nobody is invented who cares for new subjects.  `SetupError` where either is empty.
    """

    def __init__(self, users: int, *, catalogue: Sequence[ItemLike], rng: Random) -> None:
        if users < 1 or not catalogue:
            raise SetupError(f"{users} users, {len(catalogue)} items; expected one of each")
        self._catalogue = catalogue
        self._world = world_of(catalogue)
        self._rng = rng
        self._control_rng = Random(rng.getrandbits(64))
        self._names = (f"sim-{number}" for number in count(1))
        self.users = [self._newcomer() for _ in range(users)]

    def next_user(self) -> SimulatedUser:
        """Who comes by next; a newcomer takes the place of a user who has had enough."""
        place = self._rng.randrange(len(self.users))
        if len(self.users[place].acted) > SATED * len(self._catalogue):
            self.users[place] = self._newcomer()
        return self.users[place]

    def control(self, user: SimulatedUser, n: int) -> float:
        """
        Clicks to expect of the user now for `n` random items, of those not acted on.

        Ask before the visit to compare with; after it the best is gone.  Nothing changes by asking.
        """
        unseen = [item for item in self._catalogue if item.item_id not in user.acted]
        return user.expected_clicks(self._control_rng.sample(unseen, min(n, len(unseen))))

    def _newcomer(self) -> SimulatedUser:
        own = Random(self._rng.getrandbits(64))
        return SimulatedUser(next(self._names), world=self._world, rng=own)
