"""What a refinement makes of a draft; every role of a language model is a `Refinement`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from slates.draft import Candidate, Draft
from slates.model import Model, Usage
from slates.slate import Reason


@dataclass(frozen=True, slots=True)
class Refined:
    """What a model made of a draft, checked and repaired."""

    order: tuple[str, ...]
    """Ids of candidates, best first, each once; the first `draft.n` become the slate."""
    reasons: Mapping[str, tuple[Reason, ...]]
    """New reasons by item, each proven; items left out keep theirs."""
    usage: Usage
    """Of all calls together."""
    model: str
    prompt: str
    calls: int
    further: tuple[Candidate, ...] = ()
    """Items of the order that are not on the draft: the model has named them."""
    degraded: tuple[str, ...] = ()
    """What was skipped or repaired and why, as `kind: detail`."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Of the replies: wrong_format, repeats, unknown, missing, outside_catalogue, unproven …"""


class Refinement(Protocol):
    """One role of the model."""

    async def refine(self, draft: Draft, model: Model, *, within: float) -> Refined:
        """
        Ask the model and use what it says.

        Args:
            draft: Revision 1 and the facts.
            model: Who is asked.
            within: Seconds that are left.

        Raises:
            ModelUnavailable: Nothing came of it; revision 1 stands.
        """
