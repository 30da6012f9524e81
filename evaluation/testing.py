"""Contenders for tests: they say what they are told to, and remember what they were asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from evaluation.contender import Observation
from streams.items import Item

Answering = Callable[[str, float], Sequence[str]]
"""What is answered to a user at a time."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a contender was asked, and what it had learned by then."""

    user_id: str
    now: float
    n: int
    repeats: bool
    known: Sequence[Observation]


@dataclass(slots=True)
class Scripted:
    """
    Answers by a script, whatever it learns.

    >>> scripted = Scripted(lambda user, now: ["dune", "emma"])
    >>> scripted.rank("ann", now=1.0, n=1), scripted.asked[0].user_id
    (['dune'], 'ann')
    """

    script: Answering
    name: str = "scripted"
    asked: list[Question] = field(default_factory=list)
    learned: list[Observation] = field(default_factory=list)
    announced: list[Item] = field(default_factory=list)

    def announce(self, items: Sequence[Item]) -> None:
        """Remember them."""
        self.announced += items

    def rank(self, user_id: str, *, now: float, n: int, repeats: bool = False) -> Sequence[str]:
        """Answer by the script."""
        self.asked.append(Question(user_id, now, n, repeats, tuple(self.learned)))
        return self.script(user_id, now)[:n]

    def learn(self, observation: Observation) -> None:
        """Remember it."""
        self.learned.append(observation)


def clairvoyant(observations: Sequence[Observation]) -> Scripted:
    """One that knows the stream, whose times must differ: no one can do better."""
    chosen: dict[tuple[str, float], list[str]] = {}
    for event in observations:
        chosen.setdefault((event.user_id, event.at), []).append(event.item_id)
    return Scripted(lambda user, now: chosen.get((user, now), []), name="clairvoyant")
