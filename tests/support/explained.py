"""A shelf, and what is said of an item on it."""

from typing import Any

from slates.checking import unproven
from slates.config import DAY, SlateConfig
from slates.explanations import MOST, explain
from slates.reasons.grounds import Grounds
from slates.slate import Reason, SlateItem
from slates.tastes import derive_tastes
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.predecessors import Predecessors
from streams.profiles import Entry, Profile
from streams.trends import Trend

NOW = 100.5 * DAY

CONFIG = SlateConfig(supporters=5)


def item(title: str, **facts: Any) -> ItemFacts:
    return ItemFacts(title, **facts)


def shelf(**facts: ItemFacts) -> SmallKnowledge:
    """Items that all point the same way, among others that nobody asks for."""
    knowledge = SmallKnowledge()
    for item_id, one in facts.items():
        knowledge.announce(item_id, [1, 0], one)
    for n in range(4 * len(facts)):
        knowledge.announce(f"other-{n}", [0, 1], item(f"Other {n}"))
    return knowledge


def came_after(**supporters: int) -> Trend:
    """The trend of what people came to after other items."""
    counts = tuple(supporters.values())
    table = Predecessors(tuple(supporters), counts, counts, counts)
    return Trend(interactions=10, visitors=3, predecessors=table)


def said_of(
    knowledge: SmallKnowledge,
    shown: list[str],
    *acts: tuple[str, str, float],
    about: str | None = None,
    speaking: Profile | None = None,
) -> list[tuple[Reason, ...]]:
    """What is said of items to a user who did these things, a minute apart; all of it proven."""
    history = tuple(
        Entry(NOW - 60 * (len(acts) - t), i, action, gain)
        for t, (i, action, gain) in enumerate(acts)
    )
    profile = Profile(history=history)
    grounds = Grounds(profile, knowledge, NOW, CONFIG, about)
    tastes = derive_tastes(speaking or profile, knowledge.index, CONFIG)
    said = explain(shown, knowledge.index.vectors(shown), tastes, grounds)
    items = [
        SlateItem(i, "", rank, 0.0, {}, why)
        for rank, (i, why) in enumerate(zip(shown, said, strict=True))
    ]
    assert unproven(items, grounds) == []
    for reasons in said:
        assert 0 < len(reasons) <= MOST
        assert len({reason.kind for reason in reasons}) == len(reasons)
    return said


def kinds(
    knowledge: SmallKnowledge, item_id: str, *acts: tuple[str, str, float], **others: Any
) -> dict[str, Reason]:
    """What is said of one item, by kind."""
    (reasons,) = said_of(knowledge, [item_id], *acts, **others)
    return {reason.kind: reason for reason in reasons}


def bought(*days_ago: float, item_id: str = "tea") -> Profile:
    history = tuple(sorted(Entry(NOW - d * DAY, item_id, "purchase", 3.0) for d in days_ago))
    return Profile(history=history)


def moving_crowd() -> SmallKnowledge:
    """People came to `b` after `a`, more than after anything else."""
    knowledge = shelf(a=item("Dune"), b=item("Emma", published_at=NOW))
    knowledge.follow("a", Trend(interactions=40, visitors=40))
    for n in range(4):
        knowledge.follow(f"other-{n}", Trend(interactions=400, visitors=400))
    knowledge.follow("b", came_after(a=31, **{"other-1": 9}))
    return knowledge
