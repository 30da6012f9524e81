"""
Reasons: facts first, words second.

Each sentence is made from its evidence record and from nothing else; what cannot be proven is not
said.  A count of people is quoted from `supporters` users on, so no single person shows through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from slates.candidates import age_days
from slates.config import SlateConfig
from slates.knowledge import Knowledge
from slates.slate import Reason
from slates.tastes import Tastes, Vectors
from streams.items import ItemFacts, attribute_words
from streams.profiles import Entry
from streams.trends import people_since

WEEK_DAYS = 7
MIN_SIMILARITY = 0.3
"""Cosine below which two items of all-MiniLM-L6-v2 have little to do with each other."""
MAX_SHARED = 3

_LIKED = frozenset({"like", "rating", "purchase", "cart"})


def explain(
    item_id: str,
    vector: Vectors,
    tastes: Tastes,
    knowledge: Knowledge,
    *,
    now: float,
    config: SlateConfig,
) -> tuple[Reason, ...]:
    """
    The reasons that hold for an item, the strongest first.

    Args:
        item_id: An announced item.
        vector: (dim,) its unit vector.
        tastes: Of the user it is shown to.
        knowledge: The facts.
        now: Event time, seconds since 1970.
        config: How many people make a crowd, how old is new.

    Returns:
        At least one.
    """
    found = (
        *_similar(item_id, vector, tastes, knowledge),
        *_new(item_id, knowledge, now, config),
        *_people(item_id, knowledge, now, config),
    )
    return found or (_explore(item_id, knowledge, config),)


def _similar(
    item_id: str, vector: Vectors, tastes: Tastes, knowledge: Knowledge
) -> Iterator[Reason]:
    if not tastes.liked:
        return
    likeness = tastes.liked_vectors @ vector
    order = np.argsort(-likeness, kind="stable")[:2]
    near = [i for i in order if likeness[i] >= MIN_SIMILARITY]
    entries = [tastes.liked[i] for i in near]
    known = [
        (entry, facts, float(likeness[i]))
        for entry, i in zip(entries, near, strict=True)
        if (facts := knowledge.facts(entry.item_id)) is not None
    ]
    mine = knowledge.facts(item_id)
    if not known or mine is None:
        return
    shared = shared_words(mine, [facts for _, facts, _ in known])
    titles = [facts.title for _, facts, _ in known]
    evidence = {
        "items": [entry.item_id for entry, _, _ in known],
        "titles": titles,
        "actions": [entry.action for entry, _, _ in known],
        "similarity": [round(similarity, 3) for _, _, similarity in known],
        "shared": shared,
    }
    yield Reason(
        "similar", _similar_text([entry for entry, _, _ in known], titles, shared), evidence
    )


def _similar_text(
    entries: Sequence[Entry], titles: Sequence[str], shared: Mapping[str, Sequence[str]]
) -> str:
    """
    Say it.

    >>> _similar_text([Entry(0.0, "d", "like", 2.0)], ["Dune"], {"subjects": ["sand"]})
    'Because you liked Dune, which shares subjects: sand'
    >>> _similar_text([Entry(0.0, "d", "click", 1.0)] * 2, ["Dune", "Emma"], {})
    'Because you opened Dune and Emma'
    """
    verb = "liked" if all(e.action in _LIKED for e in entries) else "opened"
    text = f"Because you {verb} {' and '.join(titles)}"
    if not shared:
        return text
    what = "; ".join(f"{name}: {', '.join(words)}" for name, words in shared.items())
    return f"{text}, which {'share' if len(titles) > 1 else 'shares'} {what}"


def shared_words(mine: ItemFacts, others: Sequence[ItemFacts]) -> dict[str, list[str]]:
    """
    The attribute words that an item shares with all the others, a few at most.

    >>> sea = ItemFacts("A", attributes={"s": ("sea", "war")})
    >>> shared_words(sea, [ItemFacts("B", attributes={"s": "war"})])
    {'s': ['war']}
    """
    shared: dict[str, list[str]] = {}
    for name, value in mine.attributes.items():
        common = list(attribute_words(value))
        for other in others:
            theirs = attribute_words(other.attributes.get(name, ()))
            common = [word for word in common if word in theirs]
        if common:
            shared[name] = common[:MAX_SHARED]
    return shared


def _new(item_id: str, knowledge: Knowledge, now: float, config: SlateConfig) -> Iterator[Reason]:
    age = age_days(knowledge, item_id, now)
    if age is None or age > config.fresh_days:
        return
    facts = knowledge.facts(item_id)
    days = int(age)
    when = "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
    published = None if facts is None else facts.published_at
    yield Reason(
        "new",
        "New today" if days == 0 else f"New: published {when}",
        {"published_at": published, "days": days},
    )


def _people(
    item_id: str, knowledge: Knowledge, now: float, config: SlateConfig
) -> Iterator[Reason]:
    trend = knowledge.trend(item_id)
    people = people_since(trend, now, days=WEEK_DAYS)
    if people >= config.supporters:
        yield Reason(
            "trending",
            f"{people} people came to it in the last {WEEK_DAYS} days",
            {"people": people, "days": WEEK_DAYS},
        )
    elif trend.supporters >= config.supporters:
        yield Reason(
            "popular",
            f"{trend.supporters} people have come to it so far",
            {"people": trend.supporters},
        )


def _explore(item_id: str, knowledge: Knowledge, config: SlateConfig) -> Reason:
    if knowledge.trend(item_id).supporters == 0:
        return Reason("explore", "Nobody has come to it yet", {"people": 0})
    return Reason("explore", "Few people know it yet", {"fewer_than": config.supporters})
