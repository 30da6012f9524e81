"""The role refining: drafts, a language model, second revisions; it needs nothing else."""

from __future__ import annotations

from agents import refining
from agents.refining import Refining
from agents.wiring.model import Advice, refinements_of
from agents.wiring.sockets import Sockets
from slates.heeding import Heeding
from slates.library import Library
from streams import topics


def register_refining(
    sockets: Sockets, advice: Advice | None, library: Library | None = None
) -> None:
    """
    Drafts become second revisions.

    Args:
        sockets: What the parts of a worker share.
        advice: The model.
        library: The catalogue, where this worker has one.
    """
    refinements = refinements_of(sockets.settings, library)
    if advice is not None:
        refinements = {name: Heeding(each, advice.replies) for name, each in refinements.items()}
    service = Refining(
        refinements=refinements,
        about=None if advice is None else advice.about,
        lacking=_nothing if advice is None else advice.lacking,
        forget=_forget_nothing if advice is None else advice.economy.forget,
        at_once=1 if advice is None else advice.at_once,
        turns=sockets.turns,
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


def _nothing(_: str) -> str:
    """Without a model nothing of it can be lacking."""
    return ""


def _forget_nothing(_: str) -> int:
    """Without a model there are no answers to forget."""
    return 0
