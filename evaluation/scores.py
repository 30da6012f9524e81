"""What the answers of one contender were worth, answer by answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from evaluation.beyond import Array, Similarities, diversity, miscalibration, novelty
from evaluation.metrics import judge
from evaluation.past import Past

SHOWN = 10
"""Length of list by which coverage, novelty, diversity and calibration are judged."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One list, and what was chosen."""

    user_id: str
    ranked: Sequence[str]
    """Best first."""
    relevant: Collection[str]


@dataclass(slots=True)
class Scores:
    """Column by column; the row of an answer is its place in each."""

    similarities: Similarities | None = None
    """How alike items are; without it there is no diversity."""
    users: list[str] = field(default_factory=list)
    figures: list[Array] = field(default_factory=list)
    """Each as `evaluation.metrics.judge` gives it."""
    lengths: list[int] = field(default_factory=list)
    """Events of the user before the answer."""
    item_is_new: list[bool] = field(default_factory=list)
    """Whether nobody had chosen any of what was chosen."""
    novelties: list[float] = field(default_factory=list)
    diversities: list[float] = field(default_factory=list)
    divergences: list[tuple[float, float]] = field(default_factory=list)
    """KL and JS between the genres of the history and of the list."""
    exposures: Counter[str] = field(default_factory=Counter)
    """Item to how often it was shown."""
    items: set[str] = field(default_factory=set)
    """All there are."""
    rank_seconds: list[float] = field(default_factory=list)
    learn_seconds: list[float] = field(default_factory=list)
    not_scored: int = 0
    """Events of the scored part that the protocol has no question for."""

    def add(self, answer: Answer, past: Past) -> None:
        """Judge an answer, given what had happened before it."""
        self.users.append(answer.user_id)
        self.figures.append(judge(answer.ranked, answer.relevant))
        self.lengths.append(past.length(answer.user_id))
        self.item_is_new.append(not any(past.chosen[item] for item in answer.relevant))
        if shown := answer.ranked[:SHOWN]:
            self._look_beyond(answer.user_id, shown, past)

    def _look_beyond(self, user_id: str, shown: Sequence[str], past: Past) -> None:
        self.exposures.update(shown)
        self.novelties.append(novelty(shown, past.chosen, total=past.total))
        if self.similarities is not None:
            spread = diversity(shown, self.similarities)
            self.diversities += [] if spread is None else [spread]
        if past.genres:
            off = miscalibration(past.taste(user_id), past.genres.mean(shown))
            self.divergences += [] if off is None else [off]
