"""The language model of a worker, with all that makes it cheap, private and bounded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agents.metrics import Metrics
from agents.model import connect, make_model
from agents.settings import Settings
from agents.spending import open_economy
from agents.turns import InTurn, Turns
from slates.askers import asker_of
from slates.asking import DOUBT, Terms
from slates.books import Books
from slates.breaker import Breaker
from slates.cache import Encode
from slates.calls import Server
from slates.draft import Draft
from slates.economy import Economy
from slates.ledger import Ledger
from slates.library import Library
from slates.model import Model
from slates.refinements import make_refinements
from slates.refining import Refinement
from slates.remote import RemoteModel
from slates.tokens import estimate


@dataclass(frozen=True, slots=True)
class Advice:
    """A model that can be asked, and what has to be closed in the end."""

    economy: Economy
    books: Books
    """Told by whoever saves tokens before they are asked for."""
    ledger: Ledger
    server: Server | None
    resting: Callable[[], bool]
    """Is the model left alone for now?"""
    replies: Breaker
    """Opens where what the model says is of no use."""
    language: str
    at_once: int
    """Drafts that are put into words at the same time: twice what the model is asked at a time."""

    def about(self, draft: Draft) -> Model:
        """The model as it is asked about one user's slate."""
        return self.economy.asking(asker_of(draft, language=self.language))

    def lacking(self, user_id: str) -> str:
        """Why a user's slate cannot be refined now, without asking anybody; empty where it can."""
        left_alone = self.resting() or self.replies.state == "open"
        return "breaker-open" if left_alone else self.economy.spent(user_id)

    async def close(self) -> None:
        """Hang up, and close the ledger."""
        if self.server is not None:
            await self.server.aclose()
        self.ledger.close()


def seek_advice(
    settings: Settings, metrics: Metrics, encode: Encode | None, *, turns: Turns
) -> Advice | None:
    """
    Make what the settings say; None where they name no model.

    Args:
        settings: Of the worker.
        metrics: Where calls are counted.
        encode: Texts to vectors, for requests in words that mean the same; None finds equal ones.
        turns: What says when the model may be asked.

    Raises:
        SetupError: A cassette or the ledger cannot be used, or the server is not where it must be.
    """
    server = connect(settings.model)
    model = make_model(settings.model, server=server, estimate=estimate)
    if model is None:
        return None
    asked = InTurn(model, turns)
    economy, books, ledger = open_economy(settings, asked, metrics=metrics, encode=encode)
    return Advice(
        economy=economy,
        books=books,
        ledger=ledger,
        server=server,
        resting=(lambda: model.resting) if isinstance(model, RemoteModel) else (lambda: False),
        replies=Breaker(
            "the model",
            failures=settings.model.breaker_failures,
            rest=settings.model.breaker_rest.total_seconds(),
            clock=time.monotonic,
        ),
        language=settings.slates.language,
        at_once=2 * settings.model.concurrency,
    )


def refinements_of(settings: Settings, library: Library | None = None) -> Mapping[str, Refinement]:
    """
    What a model can be asked for; a prompt that is wrong is told here, at start.

    Args:
        settings: Of the worker.
        library: The catalogue, where this worker has one.
    """
    return make_refinements(
        Terms(
            count=estimate,
            free_text=settings.privacy.user_text,
            language=settings.told.language or settings.slates.language,
            tongue=settings.told.tongue,
            templates=settings.slates.language,
            style=settings.told.style,
            library=library,
            # The same model, asked the same again, costs tokens and knows no better.
            doubt=DOUBT if settings.model.large else 0.0,
        )
    )
