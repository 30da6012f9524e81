"""
The model as explainer: it puts the reasons of a slate into better words, and changes nothing else.

What it may speak of are the reasons that the engine found and proved; titles, history and texts are
context.  Each sentence is checked word by word, see `slates.told.proving`.

Source:
    The task is that of XRec, Ma et al., EMNLP 2024 Findings.
"""

from __future__ import annotations

from dataclasses import replace

from slates.asking import Terms, consult
from slates.draft import Draft
from slates.facts import Facts, Said, check_said, ways_of
from slates.model import Model
from slates.prompting import ask, load_prompt
from slates.refined import refined
from slates.refining import Refined
from slates.repairing import Repaired
from slates.telling import about_user, standing
from slates.told.tongues import load_tongue

BLANKS = frozenset({"language", "style", "ways", "history", "likes", "items", "facts"})
FILE = "explain-1"


class Explain:
    """A `Refinement`."""

    def __init__(self, terms: Terms) -> None:
        """
        Load the prompt and the language.

        Raises:
            SetupError: One of them cannot be used.
        """
        self._terms = terms
        self._tongue = load_tongue(terms.language, terms.tongue)
        self._prompt = load_prompt(FILE, blanks=BLANKS)

    async def refine(self, draft: Draft, model: Model, *, within: float) -> Refined:
        """Ask for a sentence for each item, and keep those that are proven."""
        everybody = standing(draft)
        engine = tuple(each.item_id for each in everybody)
        reasons = {item.item_id: item.reasons for item in draft.slate.items}
        shown = [each for each in everybody if each.item_id in reasons]
        facts = Facts.of(shown, lambda each: reasons[each.item_id])
        user = about_user(draft, free_text=self._terms.free_text)
        asked = ask(
            self._prompt,
            {
                **ways_of(self._tongue, self._terms.style),
                "history": user["history"],
                "likes": user["likes"],
                "items": facts.item_lines(),
                "facts": facts.lines(),
            },
            most=self._terms.max_prompt_tokens,
            count=self._terms.count,
            strategy="explain",
        )
        said: list[Said] = []

        def read(text: str) -> Repaired:
            said.append(check_said(text, facts, self._tongue))
            return Repaired(engine, 0, said[-1].trust, said[-1].counts)

        heard = await consult(asked, read, model, within=within, doubt=self._terms.doubt)
        best = max(said, key=lambda one: one.trust)
        found = refined(draft, heard, engine, degraded=best.degraded)
        return replace(found, reasons=best.reasons)
