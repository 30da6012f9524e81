"""
A draft as lines of a prompt: who the user is by what they did, and what they may be shown.

No id of a user or an item goes in; candidates are known by small numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from slates.draft import Candidate, Draft, Had
from slates.prompting import Line, Value
from streams.requests import Filters, Range

MOST_HISTORY = 10
"""Items of a history; more made orders no better and more popular (EVIDENCE: recorded replies)."""
TEXT = 100
"""Characters of a candidate's text: the sentence that says what it is."""


def standing(draft: Draft) -> tuple[Candidate, ...]:
    """The engine's order: the slate as it was sent, then the rest of the shortlist by score."""
    known = {candidate.item_id: candidate for candidate in draft.candidates}
    shown = [known[item.item_id] for item in draft.slate.items if item.item_id in known]
    return tuple({each.item_id: each for each in (*shown, *draft.candidates)}.values())


def about_user(draft: Draft, *, free_text: bool) -> dict[str, Value]:
    """History, likes, words and constraints; what a user wrote only where that is allowed."""
    return {
        "history": told_history(draft.history),
        "likes": draft.likes if free_text or not draft.own_likes else "",
        "words": draft.words if free_text else "",
        "constraints": told_filters(draft.filters),
    }


def withheld(draft: Draft, *, free_text: bool) -> tuple[str, ...]:
    """What a slate says where the user's words were not passed on."""
    return () if free_text or not draft.words else ("free-text: not passed on, by setting",)


def told_history(history: Sequence[Had]) -> list[Line]:
    """Title and how it was liked, newest first: 1 liked, 0 neither, -1 disliked."""
    return [Line((had.title, _sign(had.gain))) for had in history[:MOST_HISTORY]]


def _sign(gain: float) -> int:
    return (gain > 0) - (gain < 0)


def told_candidates(candidates: Sequence[Candidate], *, texts: bool) -> list[Line]:
    """A number from 1, the title, and if wanted the beginning of the text."""
    return [
        Line((number, each.title), each.text[:TEXT] if texts else "")
        for number, each in enumerate(candidates, 1)
    ]


def told_filters(filters: Filters) -> list[Line]:
    """
    What all candidates fulfil already, for the model to know what is wanted.

    >>> str(told_filters({"genres": ("sea", "war"), "year": Range(min=1990)})[1])
    '"year" "from 1990"'
    """
    return [Line((name, _told(wanted))) for name, wanted in filters.items()]


def _told(wanted: str | Sequence[str] | Range) -> str:
    if isinstance(wanted, str):
        return wanted
    if not isinstance(wanted, Range):
        return " or ".join(wanted)
    low = "" if wanted.min is None else f"from {wanted.min:g}"
    high = "" if wanted.max is None else f"to {wanted.max:g}"
    return f"{low} {high}".strip()
