"""The role refining: drafts, a language model, second revisions; it needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from agents import refining
from agents.refining import Refining
from agents.wiring.sockets import Sockets
from slates.model import Model
from slates.refining import Refinement
from streams import topics


def register_refining(
    sockets: Sockets, model: Model | None, refinements: Mapping[str, Refinement]
) -> None:
    """Drafts become second revisions."""
    service = Refining(
        refinements=refinements,
        model=model,
        menu=sockets.menu,
        outbox=sockets.outbox,
        topic=sockets.names.name(topics.RECOMMENDATIONS),
        consuming=sockets.consuming,
        metrics=sockets.metrics,
    )
    sockets.services.append(service)
    refining.register(
        sockets.app,
        source=sockets.source(topics.SLATE_DRAFTS),
        consuming=sockets.consuming,
        refining=service,
    )
