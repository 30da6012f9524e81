"""
A draft: what a language model's worker needs to know of a slate, taken from where it was built.

Facts are handed on as they are kept, nothing is computed, so that it costs a tenth of a slate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from slates.building import Built
from slates.candidates import KEYWORDS, Pool
from slates.cascade import refinement_of
from slates.config import SlateConfig
from slates.draft import Candidate, Draft, Had
from slates.knowledge import Knowledge
from slates.preferences import likes_of
from slates.slate import Slate
from streams.items import ItemFacts
from streams.profiles import Profile
from streams.requests import SlateRequest

T = TypeVar("T", Candidate, Had)

MOST_HAD = 20
"""
Newest items of a history on a draft.

A history beyond about 10 does not help a model and draws it to what is popular.
"""
GENERATE = "generate"
"""The refinement that may bring up any item, and so must know which it may not."""
BY_WORDS = 0.5
"""Share of the places beside the slate's that is kept for what was found by words."""
_UNKNOWN = ItemFacts("")


def draft_of(
    slate: Slate,
    request: SlateRequest,
    built: Built,
    profile: Profile,
    knowledge: Knowledge,
    *,
    config: SlateConfig,
    own_words: bool = False,
) -> Draft:
    """
    Put together what a prompt about a slate needs.

    Args:
        slate: Revision 1, as it was sent.
        request: What it answers.
        built: How it came about.
        profile: What is known of the user.
        knowledge: What is known of the items.
        config: The strategy.
        own_words: May what the user wrote of their preferences be in it?
    """
    refinement = refinement_of(request, config)
    barred = sorted(built.bounds.barred) if refinement == GENERATE else ()
    return Draft(
        slate=slate,
        refinement=refinement,
        candidates=tuple(_candidates(slate, built, knowledge, top=config.refine_top)),
        history=tuple(_history(request, profile, knowledge, now=slate.trigger.at)),
        n=request.n or config.size,
        interactions=len(profile.history),
        deadline=slate.produced_at + config.refine_within,
        filters=request.filters,
        words=request.words,
        likes=likes_of(profile, own_words=own_words),
        own_likes=own_words and profile.likes is not None and profile.likes.by == "user",
        barred=tuple(barred),
    )


def lean(draft: Draft) -> Draft:
    """The same with titles only, for items whose facts are too long to be sent on."""

    def bare(items: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(msgspec.structs.replace(item, text="", attributes={}) for item in items)

    return msgspec.structs.replace(
        draft, candidates=bare(draft.candidates), history=bare(draft.history)
    )


def _candidates(
    slate: Slate, built: Built, knowledge: Knowledge, *, top: int
) -> Iterator[Candidate]:
    """
    All of the slate, some of what was found by words and, up to `top`, the best others, by score.
    """
    shortlist, crowd = built.shortlist, knowledge.crowd
    pool = shortlist.candidates
    kept = {item.item_id for item in slate.items}
    kept.update(_by_words(pool, kept, most=int(BY_WORDS * max(top - len(kept), 0))))
    rows = list(_rows(kept, shortlist.order.tolist(), pool.item_ids, top=top))
    scores = shortlist.scores[rows].round(6).tolist()
    visits, people = crowd.visits[pool.rows[rows]].tolist(), crowd.people[pool.rows[rows]].tolist()
    for row, score, came, known_to in zip(rows, scores, visits, people, strict=True):
        item_id = pool.item_ids[row]
        facts = knowledge.facts(item_id) or _UNKNOWN
        yield candidate_of(item_id, facts, score=score, visits=came, people=known_to)


def candidate_of(
    item_id: str, facts: ItemFacts, *, score: float, visits: float, people: int
) -> Candidate:
    """An item as a prompt and a slate need it."""
    title = facts.title or item_id
    return Candidate(item_id, title, score, text_of(facts), facts.attributes, visits, people)


def _by_words(pool: Pool, shown: Collection[str], *, most: int) -> list[str]:
    """The best that were found by words and are not on the slate: their score says less of them."""
    found = [row for each in pool.found if each.source == KEYWORDS for row in each.rows.tolist()]
    places = np.searchsorted(pool.rows, found).tolist() if found else []
    others = (pool.item_ids[place] for place in places)
    return [item_id for item_id in others if item_id not in shown][:most]


def _rows(
    kept: Collection[str], order: Sequence[int], item_ids: Sequence[str], *, top: int
) -> Iterator[int]:
    """Rows of all that is kept and, up to `top`, of the best others, in the order given."""
    missing = set(kept)
    others = top - len(missing)
    for row in order:
        if item_ids[row] in missing:
            missing.discard(item_ids[row])
            yield row
        elif others > 0:
            others -= 1
            yield row
        if others <= 0 and not missing:
            return


def _history(
    request: SlateRequest, profile: Profile, knowledge: Knowledge, *, now: float
) -> Iterator[Had]:
    """What the user did, newest first, each item once; or the item that the slate is about."""
    if request.scenario == "similar":
        yield from _had(request.about or "", "", now, 1.0, knowledge)
        return
    seen: set[str] = set()
    for entry in reversed(profile.history):
        if entry.item_id not in seen:
            seen.add(entry.item_id)
            yield from _had(entry.item_id, entry.action, entry.at, entry.gain, knowledge)
        if len(seen) == MOST_HAD:
            return


def _had(item_id: str, action: str, at: float, gain: float, knowledge: Knowledge) -> Iterator[Had]:
    """Nothing where nobody announced the item: a model can make nothing of an id."""
    facts = knowledge.facts(item_id)
    if facts is not None:
        yield Had(item_id, facts.title, action, at, gain, text_of(facts), facts.attributes)


def text_of(facts: ItemFacts) -> str:
    """A few words about an item: its summary, or its tags where nobody has summed it up."""
    return facts.summary or ", ".join(facts.tags)
