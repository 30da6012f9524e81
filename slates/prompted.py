"""
The model as recommender: it names the best of the whole shortlist by number, in one call.

How the history is put to it is the prompt's business; there is one for each of the three ways.

Source:
    Sequential, recency-focused and in-context prompting: Hou et al., ECIR 2024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slates.asking import Terms, consult
from slates.draft import Draft
from slates.model import Model
from slates.prompting import Line, Value, ask, load_prompt
from slates.refined import refined
from slates.refining import Refined
from slates.repairing import Repaired, repair
from slates.replies import read_reply
from slates.telling import about_user, standing, told_candidates, withheld
from slates.titles import ByName

BLANKS = frozenset({"likes", "words", "constraints", "candidates", "n"})
FILES: Mapping[str, frozenset[str]] = {
    "prompt-sequential-1": BLANKS | {"history"},
    "prompt-recency-1": BLANKS | {"history", "latest"},
    "prompt-in-context-1": BLANKS | {"earlier", "latest"},
}
"""Prompt to its blanks: `latest` is the newest item of the history, `earlier` the others."""
TEXTS = False
"""Titles alone: texts of 100 candidates are what makes a prompt dear."""


class Recommend:
    """A `Refinement`."""

    def __init__(self, terms: Terms, file: str = "prompt-sequential-1") -> None:
        """
        Load the prompt.

        Args:
            terms: What all questions keep to.
            file: One of `FILES`.
        """
        self._terms = terms
        self._blanks = FILES[file]
        self._prompt = load_prompt(file, blanks=self._blanks)

    async def refine(self, draft: Draft, model: Model, *, within: float) -> Refined:
        """Put what the model names in front, and fuse."""
        everybody = standing(draft)
        engine = tuple(each.item_id for each in everybody)
        asked = ask(
            self._prompt,
            self._filled(draft),
            most=self._terms.max_prompt_tokens,
            count=self._terms.count,
            strategy="prompt",
        )
        numbers = engine[: asked.left("candidates")]
        titles = ByName((each.item_id, each.title) for each in everybody)

        def read(text: str) -> Repaired:
            wanted = min(draft.n, len(numbers))
            return repair(
                read_reply(text), engine, wanted=wanted, numbers=numbers, find=titles.find
            )

        heard = await consult(asked, read, model, within=within, doubt=self._terms.doubt)
        degraded = withheld(draft, free_text=self._terms.free_text)
        return refined(draft, heard, engine, degraded=degraded)

    def _filled(self, draft: Draft) -> dict[str, Value]:
        user = about_user(draft, free_text=self._terms.free_text)
        history = user["history"]
        assert not isinstance(history, int | str)
        known: dict[str, Value] = {
            **user,
            "latest": _first(history),
            "earlier": history[1:],
            "candidates": told_candidates(standing(draft), texts=TEXTS),
            "n": draft.n,
        }
        return {name: value for name, value in known.items() if name in self._blanks}


def _first(lines: Sequence[Line]) -> Sequence[Line]:
    return lines[:1]
