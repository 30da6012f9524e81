"""
Is the evidence of a reason true, of this user, at this moment?

Counted, compared and looked up once more, by other ways than those that found it: shares with
`slates.reasons` what a word means (`docs/reasons.md`), not how it is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from slates.reasons.grounds import Grounds
from slates.slate import Reason
from streams.items import ItemFacts

DAY = 86_400.0
FASTER = 8.0
"""A surge decays so many times as fast as popularity (`streams.trends`)."""
NEAR = 0.01
"""A similarity may differ by this: the index may hold the vector in other bits than before."""
LONGEST, SHORTEST = 80, 40
"""Characters of a title that was shortened: at most, and at least, so that it is one title's."""

_RISING = frozenset({"lately", "lately_days", "pace"})
"""What there is besides where an item is said to be rising."""

Evidence: TypeAlias = Mapping[str, Any]
Proof: TypeAlias = Callable[[str, Evidence, Grounds], Iterator[str]]
"""Says what is not so; nothing for the truth."""


def untrue(item_id: str, reason: Reason, grounds: Grounds) -> Iterator[str]:
    """
    What the evidence of a reason has that is not so.

    Args:
        item_id: The item it speaks for.
        reason: Whose evidence; its text is not looked at.
        grounds: What is so.
    """
    if reason.kind not in _PROOFS:
        yield "no rule is known that could have put it there"
        return
    must, may, prove = _PROOFS[reason.kind]
    fields = set(reason.evidence)
    if not must <= fields <= must | may:
        yield f"fields {sorted(fields)}, expected {sorted(must)}"
        return
    yield from prove(item_id, reason.evidence, grounds)


def _co_visit(item_id: str, evidence: Evidence, grounds: Grounds) -> Iterator[str]:
    yield from _named(evidence, grounds)
    for before in evidence["items"]:
        people = grounds.knowledge.crowd.supporters(before, item_id)
        everyone = grounds.knowledge.trend(before).visitors
        yield from _differs("people", evidence, people)
        yield from _differs("of", evidence, everyone) if "of" in evidence else ()
        if not grounds.config.supporters <= evidence["people"] <= evidence.get("of", math.inf):
            yield f"people {evidence['people']} are no crowd, or more than there are"


def _attributes(item_id: str, evidence: Evidence, grounds: Grounds) -> Iterator[str]:
    yield from _named(evidence, grounds)
    yield from _acted(evidence, grounds)
    if not evidence["words"]:
        yield "no word"
    for other in (item_id, *evidence["items"]):
        facts = grounds.knowledge.facts(other)
        value = None if facts is None else facts.attributes.get(evidence["attribute"])
        there = [value] if isinstance(value, str) else value if isinstance(value, tuple) else []
        for word in evidence["words"]:
            if not word or word not in there:
                yield f"{other!r} does not have the {evidence['attribute']!r} {word!r}"


def _similar(item_id: str, evidence: Evidence, grounds: Grounds) -> Iterator[str]:
    yield from _named(evidence, grounds)
    yield from _acted(evidence, grounds)
    for other in evidence["items"]:
        cosine = _cosine(item_id, other, grounds)
        if cosine is not None and abs(cosine - evidence["similarity"]) > NEAR:
            yield f"similarity {evidence['similarity']}, it is {cosine:.3f}"
    if "phrase" not in evidence:
        return
    for other in (item_id, *evidence["items"]):
        facts = grounds.knowledge.facts(other)
        if facts is None or not _says(facts, evidence["phrase"]):
            yield f"{other!r} does not say {evidence['phrase']!r}"


def _trending(item_id: str, evidence: Evidence, grounds: Grounds) -> Iterator[str]:
    trend, least = grounds.knowledge.trend(item_id), grounds.config.supporters
    today = math.floor(grounds.now / DAY)
    rising = len(evidence) > 2
    if rising and not set(evidence) >= _RISING:
        yield f"fields {sorted(evidence)}, expected all or none of {sorted(_RISING)}"
        return
    for count, length in (("people", "days"), ("lately", "lately_days"))[: 1 + rising]:
        days = range(today - int(evidence[length]) + 1, today + 1)
        yield from _differs(count, evidence, sum(trend.days.get(day, 0) for day in days))
        if evidence[count] < least:
            yield f"{count} {evidence[count]} is no crowd"
    if not rising:
        return
    half_life, ago = grounds.knowledge.crowd.half_life, max(grounds.now - trend.at, 0.0)
    slow = trend.popularity * 0.5 ** (ago / half_life)
    fast = trend.surge * 0.5 ** (ago / (half_life / FASTER))
    if abs(FASTER * fast - evidence["pace"] * slow) > 0.051 * slow:
        yield f"pace {evidence['pace']}, surge {fast:g} of popularity {slow:g}"


def _popular(item_id: str, evidence: Evidence, grounds: Grounds) -> Iterator[str]:
    yield from _differs("people", evidence, grounds.knowledge.trend(item_id).supporters)
    if evidence["people"] < grounds.config.supporters:
        yield f"people {evidence['people']} are no crowd"


def _new(item_id: str, evidence: Evidence, grounds: Grounds) -> Iterator[str]:
    facts = grounds.knowledge.facts(item_id)
    published = None if facts is None else facts.published_at
    if published is None:
        yield "nobody knows when it was published"
        return
    yield from _differs("published_at", evidence, published)
    yield from _differs("days", evidence, math.floor((grounds.now - published) / DAY))
    if not 0 <= grounds.now - published <= grounds.config.fresh_days * DAY:
        yield "it is not new"


def _explore(item_id: str, evidence: Evidence, grounds: Grounds) -> Iterator[str]:
    supporters, least = grounds.knowledge.trend(item_id).supporters, grounds.config.supporters
    if len(evidence) != 1:
        yield f"fields {sorted(evidence)}, expected one"
    if "people" in evidence and not evidence["people"] == supporters == 0:
        yield f"people {evidence['people']}, there are some"
    if "fewer_than" in evidence and not supporters < evidence["fewer_than"] == least:
        yield f"fewer than {evidence['fewer_than']}, expected {least} and fewer people"


def _repeat(item_id: str, evidence: Evidence, grounds: Grounds) -> Iterator[str]:
    mine = [e.at for e in grounds.profile.history if e.item_id == item_id and e.gain > 0]
    days: list[float] = []
    for at in sorted(mine):
        days += [at] if not days or at >= days[-1] + DAY else []
    yield from _differs("times", evidence, len(days))
    if len(days) < 3:
        yield f"{len(days)} times are no habit"
        return
    gaps = np.diff(days)
    usual = float(np.median(gaps))
    if np.mean((gaps >= usual / 2) & (gaps <= usual * 2)) < 2 / 3 - 1e-9:
        yield "the times between differ too much"
    yield from _differs("interval_days", evidence, round(usual / DAY))
    yield from _differs("last_days", evidence, math.floor(max(grounds.now - max(mine), 0.0) / DAY))


def _told(item_id: str, evidence: Evidence, grounds: Grounds) -> Iterator[str]:
    """All reasons that were told in other words, and the title under which that was done."""
    facts = grounds.knowledge.facts(item_id)
    if facts is None or facts.title != evidence["title"]:
        yield f"{item_id!r} is not called {evidence['title']!r}"
    if not evidence["reasons"]:
        yield "it tells of no reason"
    for one in evidence["reasons"]:
        if set(one) != {"kind", "evidence"} or one["kind"] == "told":
            yield f"it tells of {sorted(one)}, expected the kind and the evidence of a reason"
        else:
            yield from untrue(item_id, Reason(one["kind"], "", one["evidence"]), grounds)


_PROOFS: Mapping[str, tuple[frozenset[str], frozenset[str], Proof]] = {
    "co-visit": (frozenset({"items", "titles", "people"}), frozenset({"of"}), _co_visit),
    "attributes": (
        frozenset({"attribute", "words", "items", "titles", "actions"}),
        frozenset(),
        _attributes,
    ),
    "similar": (
        frozenset({"items", "titles", "actions", "similarity"}),
        frozenset({"phrase"}),
        _similar,
    ),
    "trending": (
        frozenset({"people", "days"}),
        _RISING,
        _trending,
    ),
    "popular": (frozenset({"people"}), frozenset(), _popular),
    "new": (frozenset({"published_at", "days"}), frozenset(), _new),
    "explore": (frozenset(), frozenset({"people", "fewer_than"}), _explore),
    "repeat": (frozenset({"times", "interval_days", "last_days"}), frozenset(), _repeat),
    "told": (frozenset({"reasons", "language", "title"}), frozenset(), _told),
}
"""Kind to the fields there must be, those there may be, and the proof."""


def _differs(name: str, evidence: Evidence, actual: float) -> Iterator[str]:
    if evidence[name] != actual:
        yield f"{name} {evidence[name]}, there are {actual}"


def _named(evidence: Evidence, grounds: Grounds) -> Iterator[str]:
    """The items named are the user's, or what the slate is about, and have these titles."""
    items, titles = evidence["items"], evidence["titles"]
    if not items or len(items) != len(titles):
        yield f"{len(items)} items with {len(titles)} titles"
    for item_id, title in zip(items, titles, strict=False):
        facts = grounds.knowledge.facts(item_id)
        if facts is None or not _is_title(title, facts.title):
            yield f"{item_id!r} is not called {title!r}"
        if item_id != grounds.about and not _did(item_id, None, grounds):
            yield f"the user did not come to {item_id!r}"


def _acted(evidence: Evidence, grounds: Grounds) -> Iterator[str]:
    """The user did that to the items named."""
    items, actions = evidence["items"], evidence["actions"]
    if len(items) != len(actions):
        yield f"{len(items)} items with {len(actions)} actions"
    for item_id, action in zip(items, actions, strict=False):
        if not (_did(item_id, action, grounds) if action else item_id == grounds.about):
            yield f"the user did not {action or 'ask about'!r} {item_id!r}"


def _did(item_id: str, action: str | None, grounds: Grounds) -> bool:
    return any(
        entry.item_id == item_id and entry.gain > 0 and action in (None, entry.action)
        for entry in grounds.profile.history
    )


def _is_title(said: str, title: str) -> bool:
    if len(title) <= LONGEST:
        return said == title
    return SHORTEST <= len(said) <= LONGEST and said[-1] == "…" and title.startswith(said[:-1])


def _cosine(item_id: str, other: str, grounds: Grounds) -> float | None:
    """None where the index has let one of them go since: then nothing can be said of it."""
    try:
        one, two = np.asarray(grounds.knowledge.index.vectors([item_id, other]), np.float64)
    except KeyError:
        return None
    return float(one @ two / (np.linalg.norm(one) * np.linalg.norm(two)))


def _says(facts: ItemFacts, phrase: str) -> bool:
    """Does a title, a tag or a word of an attribute have the phrase, word by word?"""
    values = [v for v in facts.attributes.values() if isinstance(v, str | tuple)]
    words: Sequence[str] = [w for v in values for w in ((v,) if isinstance(v, str) else v)]
    return any(f" {phrase} " in f" {_bare(text)} " for text in (facts.title, *facts.tags, *words))


def _bare(text: str) -> str:
    """Lower case, without what clings to words."""
    clinging = "".join({c for c in text if not c.isalnum() and not c.isspace()})
    return " ".join(w.strip(clinging).lower() for w in text.split() if w.strip(clinging))
