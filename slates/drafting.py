"""
A draft: what a language model's worker needs to know of a slate, taken from where it was built.

Facts are handed on as they are kept, nothing is computed, so that it costs a tenth of a slate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from slates.building import Built
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
_UNKNOWN = ItemFacts("")


def draft_of(
    slate: Slate,
    request: SlateRequest,
    built: Built,
    profile: Profile,
    knowledge: Knowledge,
    *,
    config: SlateConfig,
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
    """
    return Draft(
        slate=slate,
        refinement=refinement_of(request, config),
        candidates=tuple(_candidates(slate, built, knowledge, top=config.refine_top)),
        history=tuple(_history(request, profile, knowledge, now=slate.trigger.at)),
        n=request.n or config.size,
        interactions=len(profile.history),
        deadline=slate.produced_at + config.refine_within,
        filters=request.filters,
        words=request.words,
        likes=likes_of(profile),
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
    """All of the slate and, up to `top`, the best of the others, by score."""
    shortlist, crowd = built.shortlist, knowledge.crowd
    pool = shortlist.candidates
    rows = list(_rows(slate, shortlist.order.tolist(), pool.item_ids, top=top))
    scores = shortlist.scores[rows].round(6).tolist()
    visits, people = crowd.visits[pool.rows[rows]].tolist(), crowd.people[pool.rows[rows]].tolist()
    for row, score, came, known_to in zip(rows, scores, visits, people, strict=True):
        item_id = pool.item_ids[row]
        facts = knowledge.facts(item_id) or _UNKNOWN
        title = facts.title or item_id
        yield Candidate(item_id, title, score, text_of(facts), facts.attributes, came, known_to)


def _rows(
    slate: Slate, order: Sequence[int], item_ids: Sequence[str], *, top: int
) -> Iterator[int]:
    shown = {item.item_id for item in slate.items}
    others = top - len(shown)
    for row in order:
        if item_ids[row] in shown:
            shown.discard(item_ids[row])
            yield row
        elif others > 0:
            others -= 1
            yield row
        if others <= 0 and not shown:
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
