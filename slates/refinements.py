"""The roles of a language model by name: what a draft's `refinement` can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from slates.asking import Terms
from slates.explaining import Explain
from slates.generating import Generate
from slates.prompted import Recommend
from slates.refining import Refinement
from slates.reranking import Plan, Rerank
from slates.retrieving import RaRec

Maker: TypeAlias = Callable[[Terms], Refinement]

REFINEMENTS: Mapping[str, Maker] = {
    "rerank": Rerank,
    "rerank-shuffled": partial(Rerank, plan=Plan(passes=3)),
    "rerank-windows": partial(Rerank, plan=Plan(depth=100)),
    "prompt": Recommend,
    "prompt-recency": partial(Recommend, file="prompt-recency-1"),
    "prompt-in-context": partial(Recommend, file="prompt-in-context-1"),
    "ra-rec": RaRec,
    "explain": Explain,
    "generate": Generate,
}
"""Name to what makes it; each loads its prompt and refuses one that is not what it fills."""


def make_refinements(terms: Terms) -> dict[str, Refinement]:
    """
    All of them, at start, so that a prompt that is wrong is told before the first draft.

    Raises:
        SetupError: A prompt cannot be read, or has other blanks than what fills it.
    """
    return {name: make(terms) for name, make in REFINEMENTS.items()}
