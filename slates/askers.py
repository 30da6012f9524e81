"""On whose behalf a model is asked: what its surroundings must know and no prompt may tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from slates.draft import Candidate, Draft, Had
from slates.prompting import quote
from streams.items import AttributeValue


@dataclass(frozen=True, slots=True)
class Asker:
    """Who a question is for, and what of its prompt is theirs or the catalogue's."""

    user_id: str = ""
    """Empty where it is for nobody in particular, such as an item."""
    personal: bool = False
    """Does the prompt hold what a user did or said?  Then its answer is for nobody else."""
    said: tuple[str, ...] = ()
    """What the user wrote, as it may stand in the prompt."""
    public: frozenset[str] = frozenset()
    """Titles, texts and attributes of the catalogue: names in them are no secrets."""
    catalogue: str = ""
    """Its version; an answer about another one is of no use."""
    constraints: str = ""
    """What was asked for beside the words, in one form for all that mean the same."""
    language: str = ""
    """Of the answer."""


NOBODY = Asker()
"""For questions that concern no user."""


def asker_of(draft: Draft, *, language: str = "") -> Asker:
    """The user of a draft."""
    versions = draft.slate.versions
    return Asker(
        user_id=draft.slate.user_id,
        personal=bool(draft.history or draft.likes),
        said=tuple(text for text in (draft.words, draft.likes if draft.own_likes else "") if text),
        public=frozenset(_public((*draft.candidates, *draft.history))),
        catalogue=f"{versions.encoder}/{versions.index_generation}",
        constraints=_told(draft),
        language=language,
    )


def told(text: str) -> str:
    r"""
    A text as it stands between the quotes of a prompt.

    >>> told('say "hi" [now]')
    'say \\"hi\\" (now)'
    """
    return quote(text)[1:-1]


def _told(draft: Draft) -> str:
    return msgspec.json.encode([draft.filters, draft.n], order="sorted").decode()


def _public(items: Iterable[Candidate | Had]) -> Iterator[str]:
    for item in items:
        yield item.title
        yield item.text
        yield from _values(item.attributes)


def _values(attributes: Mapping[str, AttributeValue]) -> Iterator[str]:
    for value in attributes.values():
        if isinstance(value, str):
            yield value
        elif not isinstance(value, bool | int | float):
            yield from value
