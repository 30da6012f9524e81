"""
The model as generator: it names titles of its own accord, and those that there are count.

What it names and nobody has is counted and never shown.  It reads no candidates, so it is cheap and
knows no place to prefer.
"""

from __future__ import annotations

from slates.asking import Terms, consult
from slates.draft import Draft
from slates.model import Model
from slates.prompting import ask, load_prompt
from slates.refined import refined
from slates.refining import Refined
from slates.repairing import Repaired, repair
from slates.replies import read_reply
from slates.telling import about_user, standing, withheld
from slates.titles import ByName, Titles

NAMED = 20
"""Titles asked for: of 50, recorded models named 38 % to 49 % that nobody has, the more the
further down."""
DOUBT = 1 / NAMED
"""The large model is asked where the small one named no candidate at all: most that is named is
no candidate, without the reply being wrong."""
BLANKS = frozenset({"history", "likes", "words", "constraints", "n"})


class Generate:
    """A `Refinement`."""

    def __init__(self, terms: Terms, titles: Titles | None = None) -> None:
        """
        Load the prompt.

        Args:
            terms: What all questions keep to.
            titles: Who knows the catalogue; the shortlist of each draft where left out, and then
                `outside_catalogue` counts what is not on the shortlist.
        """
        self._terms = terms
        self._titles = titles
        self._prompt = load_prompt("generate-1", blanks=BLANKS)

    async def refine(self, draft: Draft, model: Model, *, within: float) -> Refined:
        """Put the candidates that the model named in front, and fuse."""
        everybody = standing(draft)
        engine = tuple(each.item_id for each in everybody)
        titles = self._titles or ByName((each.item_id, each.title) for each in everybody)
        asked = ask(
            self._prompt,
            {**about_user(draft, free_text=self._terms.free_text), "n": NAMED},
            most=self._terms.max_prompt_tokens,
            count=self._terms.count,
            strategy="generate",
        )

        def read(text: str) -> Repaired:
            wanted = min(NAMED, len(engine))
            return repair(read_reply(text), engine, wanted=wanted, find=titles.find)

        heard = await consult(asked, read, model, within=within, doubt=DOUBT)
        degraded = withheld(draft, free_text=self._terms.free_text)
        return refined(draft, heard, engine, degraded=degraded)
