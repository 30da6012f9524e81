"""What goes into the next basket, repeats included: the question of a shop where one buys again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.contender import Contender, Observation
from evaluation.replaying import OnStep, Rules, Stream, begin, first_scored, ignore, sampled
from evaluation.scores import Scores
from streams.errors import SetupError


@dataclass(frozen=True, slots=True)
class Basket:
    """What one user bought at once."""

    user_id: str
    at: float
    """When its first item was taken, in seconds since 1970."""
    observations: Sequence[Observation]


def next_basket(
    contender: Contender, stream: Stream, *, rules: Rules, on_step: OnStep = ignore
) -> Scores:
    """
    Before every basket but the first of a user, rank all items, repeats included; then learn it.

    A basket counts as behind the warm part when that many events lie in the baskets before it.

    Raises:
        SetupError: No observation names its basket.
    """
    replay = begin(contender, stream, rules)
    baskets = baskets_of(stream.observations)
    asked = sampled(len(baskets), rules)
    first, done = first_scored(stream, rules), 0
    for basket, is_asked in zip(baskets, asked, strict=True):
        is_warm = done < first
        if not is_warm and is_asked:
            if replay.past.had(basket.user_id):
                chosen = [event.item_id for event in basket.observations]
                replay.ask(basket.user_id, chosen, now=basket.at, repeats=True)
            else:
                replay.scores.not_scored += 1
        for event in basket.observations:
            replay.tell(event, warm=is_warm)
        done += len(basket.observations)
        on_step(done)
    return replay.scores


def baskets_of(observations: Sequence[Observation]) -> list[Basket]:
    """
    The baskets in the order of their first items; an item without one is a basket of its own.

    >>> milk = Observation("ann", "milk", at=1.0, basket="7")
    >>> tea = Observation("ann", "tea", at=2.0, basket="7")
    >>> [[o.item_id for o in b.observations] for b in baskets_of([milk, tea])]
    [['milk', 'tea']]
    """
    if not any(observation.basket is not None for observation in observations):
        raise SetupError("no event names its basket: expected a column basket_id with values")
    together: dict[tuple[str, str | int], list[Observation]] = {}
    for k, event in enumerate(observations):
        key = (event.user_id, k if event.basket is None else event.basket)
        together.setdefault(key, []).append(event)
    return [Basket(events[0].user_id, events[0].at, events) for events in together.values()]
