"""
Retrieve, rank, explain, in one call: candidates by vectors and by keywords, and facts about them.

The engine's shortlist was found by vectors, among other things; BM25 ranks it once more by the
words of what the user asked for, likes and had.  The model sees the slate and the best others by
both, with what is so about each, orders them and says why.

The name stands for this here; RA-Rec in print is something else (alignment of item ids).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from slates.asking import Terms, consult
from slates.draft import Candidate, Draft
from slates.drafted import Drafted
from slates.facts import Facts, Said, check_said, ways_of
from slates.fusing import fuse
from slates.keywords import Keywords
from slates.model import Model
from slates.prompting import Asked, Value, ask, load_prompt
from slates.refined import refined
from slates.refining import Refined
from slates.repairing import Repaired, repair
from slates.replies import read_reply
from slates.telling import about_user, standing, withheld
from slates.titles import ByName
from slates.told.tongues import load_tongue
from streams.items import AttributeValue, attribute_words

BLANKS = frozenset(
    {"language", "style", "ways", "history", "likes", "words", "constraints", "candidates"}
    | {"facts", "n", "sentences"}
)
FILE = "ra-rec-1"
WINDOW = 20
"""Candidates in the prompt, as in `slates.reranking`; with facts a line of each costs twice."""
FACTS = 2
"""Facts of each candidate; three would make a prompt of 4,000 tokens of long titles."""


class RaRec:
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
        """Retrieve, ask once, and use the order and the sentences that are proven."""
        engine = tuple(each.item_id for each in standing(draft))
        window = retrieve(draft, n=WINDOW)
        drafted = Drafted(draft, language=self._terms.templates)
        asked, facts = self._asked(draft, Facts.of(window, drafted.of, most=FACTS))
        numbers = [each.item_id for each in window][: asked.left("candidates")]
        titles = ByName((each.item_id, each.title) for each in window)
        said: list[tuple[float, Said]] = []

        def read(text: str) -> Repaired:
            order = [each.item_id for each in window]
            reply, wanted = read_reply(text), len(numbers)
            found = repair(reply, order, wanted=wanted, numbers=numbers, find=titles.find)
            said.append((found.trust, check_said(text, facts, self._tongue)))
            return replace(found, counts={**found.counts, **said[-1][1].counts})

        heard = await consult(asked, read, model, within=within, doubt=self._terms.doubt)
        _, best = max(said, key=lambda one: one[0])
        notes = (*withheld(draft, free_text=self._terms.free_text), *best.degraded)
        return replace(refined(draft, heard, engine, degraded=notes), reasons=best.reasons)

    def _asked(self, draft: Draft, facts: Facts) -> tuple[Asked, Facts]:
        filled: dict[str, Value] = {
            **ways_of(self._tongue, self._terms.style),
            **about_user(draft, free_text=self._terms.free_text),
            "candidates": facts.item_lines(),
            "facts": facts.lines(),
            "n": len(facts.items),
            "sentences": min(draft.n, len(facts.items)),
        }
        most, count = self._terms.max_prompt_tokens, self._terms.count
        return ask(self._prompt, filled, most=most, count=count, strategy="ra-rec"), facts


def retrieve(draft: Draft, *, n: int) -> list[Candidate]:
    """
    The candidates that a model is shown: those of the slate, then the best others.

    The others are ranked by the engine and by keywords, and the ranks fused with equal weight; a
    candidate that has none of the words keeps its place behind those that have some.

    Args:
        draft: With its shortlist.
        n: How many.
    """
    everybody = standing(draft)
    engine = [each.item_id for each in everybody]
    known = {each.item_id: each for each in everybody}
    index = Keywords(
        (each.item_id, text_of(each.title, each.text, each.attributes)) for each in everybody
    )
    by_words = [found.item_id for found in index.search(query_of(draft), n=len(engine))]
    both = fuse(engine, [*dict.fromkeys([*by_words, *engine])], weight=1.0)
    shown = [item.item_id for item in draft.slate.items if item.item_id in known]
    return [known[item_id] for item_id in dict.fromkeys([*shown, *both])][:n]


def query_of(draft: Draft) -> str:
    """The words to look for: those of the user, else those of what they liked."""
    if draft.words:
        return draft.words
    liked = (text_of(had.title, "", had.attributes) for had in draft.history if had.gain > 0)
    return " ".join([draft.likes, *liked])


def text_of(title: str, text: str, attributes: Mapping[str, AttributeValue]) -> str:
    """What keywords are looked for in."""
    words: Sequence[str] = [w for value in attributes.values() for w in attribute_words(value)]
    return " ".join([title, text, *words])
