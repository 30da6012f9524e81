"""
Revision 2 of a slate: the model's order and words, or a mark that says why there are none.

The same slate either way: its id, its trigger and what it was built with stay.  An item that the
model has brought up from the shortlist gets a reason out of the draft, so that every line has one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from slates.config import SlateConfig
from slates.draft import Candidate, Draft
from slates.drafted import Drafted
from slates.reasons.sentences import say
from slates.refining import Refined
from slates.shelf import Place
from slates.slate import Kind, Reason, Slate, SlateItem
from streams.items import attribute_words

REVISION = 2
SHORTLISTED = "shortlist"
"""The source of an item that the model has brought up; its score is the engine's."""
NAMED = "model"
"""The source of an item of the catalogue that the engine has not thought of; its score is that of
the last on the shortlist."""


def revise(
    draft: Draft, refined: Refined, *, config: SlateConfig, now: float, took: float
) -> Slate:
    """
    Make revision 2 of what a model said.

    Args:
        draft: What it was asked about.
        refined: What it said, checked and repaired.
        config: The strategy, for its caps and for how many people make a crowd.
        now: Seconds since 1970.
        took: Seconds that asking took.
    """
    slate = draft.slate
    shown = {item.item_id: item for item in slate.items}
    known = {each.item_id: each for each in (*draft.candidates, *refined.further)}
    named = {each.item_id for each in refined.further}
    drafted = Drafted(draft, language=config.language)
    items = []
    for rank, item_id in enumerate(_within_caps(refined.order, draft, known, config.caps)):
        item = shown.get(item_id) or _brought_up(
            known[item_id], drafted, config, by_model=item_id in named
        )
        reasons = refined.reasons.get(item_id) or item.reasons
        items.append(msgspec.structs.replace(item, rank=rank, reasons=tuple(reasons)))
    return msgspec.structs.replace(
        slate,
        revision=REVISION,
        items=tuple(items),
        ranked_by="model",
        degraded=(*slate.degraded, *refined.degraded),
        versions=msgspec.structs.replace(
            slate.versions, prompt=refined.prompt, model=refined.model
        ),
        tokens=slate.tokens + refined.usage.total,
        timings=msgspec.structs.replace(slate.timings, refined=took),
        produced_at=now,
    )


def mark(draft: Draft, reason: str, *, now: float, took: float, tokens: int = 0) -> Slate:
    """
    Make a revision 2 that changes nothing and says that the model has failed, and how.

    Args:
        draft: What it was asked about.
        reason: As `ModelUnavailable` has it.
        now: Seconds since 1970.
        took: Seconds that asking took.
        tokens: What was paid for all the same.
    """
    slate = draft.slate
    return msgspec.structs.replace(
        slate,
        revision=REVISION,
        tokens=slate.tokens + tokens,
        degraded=(*slate.degraded, model_line(reason)),
        timings=msgspec.structs.replace(slate.timings, refined=took),
        produced_at=now,
    )


def model_line(reason: str) -> str:
    """
    What stands in `degraded` where a model was wanted and was of no use.

    >>> model_line("timeout")
    'model: timeout'
    """
    return f"model: {reason}"


def _within_caps(
    order: Sequence[str], draft: Draft, known: Mapping[str, Candidate], caps: Mapping[str, int]
) -> list[str]:
    """The first of an order that the caps allow; what the engine has shown so may stay so."""
    first = list(order[: draft.n])
    if first == [item.item_id for item in draft.slate.items]:
        return first
    counts: Counter[Place] = Counter()
    chosen: list[str] = []
    spared: list[str] = []
    for item_id in order:
        places = [
            (n, w) for n in caps for w in attribute_words(known[item_id].attributes.get(n, ()))
        ]
        if any(counts[place] >= caps[place[0]] for place in places):
            spared.append(item_id)
        else:
            counts.update(places)
            chosen.append(item_id)
    return [*chosen, *spared][: draft.n]


def _brought_up(
    candidate: Candidate, drafted: Drafted, config: SlateConfig, *, by_model: bool
) -> SlateItem:
    return SlateItem(
        item_id=candidate.item_id,
        title=candidate.title,
        rank=0,
        score=candidate.score,
        sources={NAMED if by_model else SHORTLISTED: candidate.score},
        reasons=drafted.of(candidate) or (_crowd(candidate, config),),
    )


def _crowd(candidate: Candidate, config: SlateConfig) -> Reason:
    """What every item has: how many people came to it, or that these are few."""
    kind: Kind = "popular" if candidate.people >= config.supporters else "explore"
    evidence: Mapping[str, object] = {"people": candidate.people}
    if 0 < candidate.people < config.supporters:
        evidence = {"fewer_than": config.supporters}
    return Reason(kind, say(kind, evidence, config.language), evidence)
