"""
The model as reranker: it orders numbered candidates, a window at a time.

One window over the engine's best is what pays.  Windows from the back to the front can bring up
what stands at place 100, for many times the tokens: so in two stages, by titles alone until the
front window, whose texts are shown.  Shuffles take out that models prefer what they read first, for
as many times the tokens as there are passes.

Source:
    Sliding windows: Sun et al., EMNLP 2023.  Position bias and shuffles: Hou et al., ECIR 2024, and
    Tang et al., NAACL 2024 (permutation self-consistency).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from slates.asking import Heard, Terms, consult, together
from slates.draft import Candidate, Draft
from slates.model import Model
from slates.prompting import Prompt, ask, load_prompt
from slates.refined import refined
from slates.refining import Refined
from slates.repairing import Repaired, repair
from slates.replies import read_reply
from slates.telling import about_user, standing, told_candidates, withheld
from slates.titles import ByName
from streams.errors import ModelUnavailable

WINDOW = 20
"""Candidates at a time; of 50 at once recorded models lost or repeated some in 70 % to 99 % of
their replies."""
STEP = 10
"""Places from a window to the next: the better half of one is carried on."""
BLANKS = frozenset({"history", "likes", "words", "constraints", "candidates", "n"})


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is ordered, and how often."""

    depth: int = WINDOW
    """Candidates that the model sees, the engine's best."""
    passes: int = 1
    """Times that a window is asked about: first in the engine's order, then shuffled."""
    file: str = "rerank-1"
    """The prompt."""


class Rerank:
    """A `Refinement`."""

    def __init__(self, terms: Terms, plan: Plan | None = None) -> None:
        """
        Load the prompt.

        Args:
            terms: What all questions keep to.
            plan: How much is ordered; one window where left out.
        """
        self._terms = terms
        self._plan = plan or Plan()
        self._prompt = load_prompt(self._plan.file, blanks=BLANKS)

    async def refine(self, draft: Draft, model: Model, *, within: float) -> Refined:
        """Order the engine's best anew; what is deeper follows as it was."""
        everybody = standing(draft)
        work = _Work(draft, model, self._terms, self._prompt, within)
        heard = await work.slide(everybody[: self._plan.depth], passes=self._plan.passes)
        engine = [each.item_id for each in everybody]
        degraded = withheld(draft, free_text=self._terms.free_text)
        return refined(draft, heard, engine, degraded=degraded)


def window_begins(n: int) -> list[int]:
    """
    Where the windows begin, from the back to the front.

    >>> window_begins(20), window_begins(45)
    ([0], [25, 15, 5, 0])
    """
    return [*range(max(n - WINDOW, 0), 0, -STEP), 0]


def merge_by_rank(orders: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """
    One order of several, by the sum of places; equal ones as the first has them.

    >>> merge_by_rank([["a", "b", "c"], ["b", "c", "a"], ["b", "a", "c"]])
    ('b', 'a', 'c')
    """
    places = [{item_id: k for k, item_id in enumerate(order)} for order in orders]
    return tuple(sorted(orders[0], key=lambda item_id: sum(at[item_id] for at in places)))


@dataclass(slots=True)
class _Work:
    """The questions about one draft, and the time that is left for them."""

    draft: Draft
    model: Model
    terms: Terms
    prompt: Prompt
    seconds: float

    async def slide(self, candidates: Sequence[Candidate], *, passes: int) -> Heard:
        """Order the last window, then one nearer to the front, until the first is ordered."""
        order, heard = list(candidates), list[Heard]()
        begins = window_begins(len(order))
        for begin in begins:
            window = order[begin : begin + WINDOW]
            try:
                heard.append(await self._settle(window, passes=passes, begin=begin))
            except ModelUnavailable as exc:
                if not heard:
                    raise
                note = f"windows: {len(heard)} of {len(begins)}, {exc.reason}"
                return _noted(together(heard, _ids(order)), note)
            known = {each.item_id: each for each in window}
            order[begin : begin + WINDOW] = [known[item_id] for item_id in heard[-1].order]
        return together(heard, _ids(order))

    async def _settle(self, window: Sequence[Candidate], *, passes: int, begin: int) -> Heard:
        """Ask as often as there is time for, and merge by rank; with texts in front only."""
        texts = begin == 0
        heard = [await self._ask(window, window, texts=texts)]
        for k in range(1, passes):
            slowest = max(one.seconds / one.calls for one in heard)
            if slowest > self.seconds:
                return _merged(heard, f"shuffles: {k} of {passes}, no time left")
            shuffled = list(window)
            random.Random(f"{self.draft.slate.slate_id}/{begin}/{k}").shuffle(shuffled)
            try:
                heard.append(await self._ask(shuffled, window, texts=texts))
            except ModelUnavailable as exc:
                return _merged(heard, f"shuffles: {k} of {passes}, {exc.reason}")
        return _merged(heard)

    async def _ask(
        self, shown: Sequence[Candidate], window: Sequence[Candidate], *, texts: bool
    ) -> Heard:
        """One question; what the reply leaves out follows in the order of the window."""
        user = about_user(self.draft, free_text=self.terms.free_text)
        asked = ask(
            self.prompt,
            {**user, "candidates": told_candidates(shown, texts=texts), "n": len(shown)},
            most=self.terms.max_prompt_tokens,
            count=self.terms.count,
            strategy="rerank",
        )
        numbers = _ids(shown)[: asked.left("candidates")]
        titles = ByName((each.item_id, each.title) for each in window)

        def read(text: str) -> Repaired:
            return repair(
                read_reply(text),
                _ids(window),
                wanted=len(numbers),
                numbers=numbers,
                find=titles.find,
            )

        heard = await consult(asked, read, self.model, within=self.seconds, doubt=self.terms.doubt)
        self.seconds -= heard.seconds
        return heard


def _merged(heard: Sequence[Heard], note: str = "") -> Heard:
    return _noted(together(heard, merge_by_rank([one.order for one in heard])), note)


def _noted(heard: Heard, note: str) -> Heard:
    return replace(heard, degraded=(*heard.degraded, note)) if note else heard


def _ids(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    return tuple(each.item_id for each in candidates)
