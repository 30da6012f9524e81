"""
The model as generator: it names titles of its own accord, and those that there are count.

What it names and nobody has is counted and never shown.  It reads no candidates, so it is cheap and
knows no place to prefer.  An item that it names and the engine has not thought of stands behind the
engine's slate and before the rest of the shortlist, as long as nothing else is known of it: so the
model's vote can bring it up, as far as that vote counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from slates.asking import Terms, consult
from slates.draft import Candidate, Draft
from slates.library import Library
from slates.model import Answer, Model, Question
from slates.prompting import ask, load_prompt
from slates.refined import refined
from slates.refining import Refined
from slates.repairing import Repaired, repair
from slates.replies import read_reply
from slates.telling import about_user, standing, withheld
from slates.titles import ByName

NAMED = 20
"""Titles asked for: of 50, recorded models named 38 % to 49 % that nobody has, the more the
further down."""
DOUBT = 1 / NAMED
"""The large model is asked where the small one named no candidate at all: most that is named is
no candidate, without the reply being wrong."""
BLANKS = frozenset({"history", "likes", "words", "constraints", "n"})
SHORTLIST_ONLY = "catalogue: not in this worker, titles are looked up on the shortlist"


class Generate:
    """A `Refinement`."""

    def __init__(self, terms: Terms) -> None:
        """
        Load the prompt.

        Args:
            terms: What all questions keep to; without a library titles are looked up on the
                shortlist of each draft, and `outside_catalogue` counts what is not on it.
        """
        self._terms = terms
        self._prompt = load_prompt("generate-1", blanks=BLANKS)

    async def refine(self, draft: Draft, model: Model, *, within: float) -> Refined:
        """Put what the model named in front, and fuse."""
        library = self._terms.library or _Shortlist(standing(draft))
        looking = _Looking(model, library)
        reading = _Reading(draft, library, looking.near)
        asked = ask(
            self._prompt,
            {**about_user(draft, free_text=self._terms.free_text), "n": NAMED},
            most=self._terms.max_prompt_tokens,
            count=self._terms.count,
            strategy="generate",
        )
        heard = await consult(asked, reading.read, looking, within=within, doubt=DOUBT)
        further = reading.further(heard.order)
        notes = withheld(draft, free_text=self._terms.free_text)
        if self._terms.library is None:
            notes = (*notes, SHORTLIST_ONLY)
        found = refined(draft, heard, reading.engine(further), degraded=notes)
        return replace(found, further=further)


class _Shortlist:
    """A `Library` of what is on a draft."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._titles = ByName((each.item_id, each.title) for each in candidates)

    def find(self, title: str) -> str | None:
        return self._titles.find(title)

    async def near(self, titles: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def candidate(self, item_id: str, draft: Draft) -> Candidate | None:  # noqa: ARG002
        return None


class _Looking:
    """A model whose titles are looked up by vectors, where no name was found, before it is read."""

    def __init__(self, model: Model, library: Library) -> None:
        self._model = model
        self._library = library
        self.near: dict[str, str] = {}
        """Title to item, of all replies so far."""

    async def ask(self, question: Question, *, within: float) -> Answer:
        answer = await self._model.ask(question, within=within)
        titles = dict.fromkeys(e.title for e in read_reply(answer.text).entries if e.title)
        unknown = [title for title in titles if self._library.find(title) is None]
        self.near.update(await self._library.near(unknown[:NAMED]))
        return answer


class _Reading:
    """What replies about a draft name."""

    def __init__(self, draft: Draft, library: Library, near: Mapping[str, str]) -> None:
        self._draft = draft
        self._library = library
        self._near = near
        self._standing = tuple(each.item_id for each in standing(draft))
        self._further: dict[str, Candidate] = {}

    def read(self, text: str) -> Repaired:
        """A reply; what it names beside the shortlist is a candidate, too, if it may be shown."""
        reply = read_reply(text)
        found = (self._find(entry.title) for entry in reply.entries if entry.title)
        further = [i for i in dict.fromkeys(found) if i is not None and self._may_come(i)]
        everybody = (*self._standing, *further)
        return repair(reply, everybody, wanted=min(NAMED, len(everybody)), find=self._find)

    def _find(self, title: str) -> str | None:
        return self._library.find(title) or self._near.get(title)

    def _may_come(self, item_id: str) -> bool:
        if item_id in self._standing:
            return False
        if item_id not in self._further:
            candidate = self._library.candidate(item_id, self._draft)
            if candidate is None:
                return False
            self._further[item_id] = candidate
        return True

    def further(self, order: Sequence[str]) -> tuple[Candidate, ...]:
        """Those of an order that are not on the shortlist."""
        return tuple(self._further[i] for i in order if i in self._further)

    def engine(self, further: Sequence[Candidate]) -> tuple[str, ...]:
        """The engine's order, with what it has not thought of behind its slate."""
        shown, new = len(self._draft.slate.items), [each.item_id for each in further]
        return (*self._standing[:shown], *new, *self._standing[shown:])
