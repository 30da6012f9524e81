"""
Everything between a question and the model that answers it, put together in one place.

From the outside in: the cache, the redaction, the budget, the batch, the log, the meter, the
model.  Nothing reaches a batch, a log or a server that was not redacted, and nothing is asked that
the cache has or the budget forbids.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from slates.askers import NOBODY, Asker
from slates.batching import LINGER, MOST, Batched, Batcher
from slates.books import NO_BOOKS, Books
from slates.budget import Budget, Budgeted
from slates.cache import Cache, Cached
from slates.metering import Logged, Metered
from slates.model import Answer, Model, Question
from slates.money import FREE, Prices
from slates.redaction.redacting import OnRedacted, Redacted
from slates.redaction.words import load_lexicon


@dataclass(frozen=True, slots=True)
class Terms:
    """What may leave the process and be written down."""

    user_text: bool = False
    """May what users wrote stand in a prompt, redacted?"""
    log_texts: bool = False
    """Are prompts and replies logged as they are?  If not, as hashes."""
    batch: int = MOST
    """Questions in one call; 1 is none together."""
    linger: float = LINGER
    """Seconds that a question waits for others."""


DEFAULTS = Terms()


class Economy:
    """
    A model, with what makes it cheap, private and bounded.

    Args:
        model: Who is asked in the end.
        budget: Of tokens and money.
        cache: Of answers; None remembers nothing.
        books: What is told about calls and savings.
        prices: What tokens cost.
        terms: What may leave.
        on_redacted: Told what was replaced.
    """

    def __init__(
        self,
        model: Model,
        *,
        budget: Budget,
        cache: Cache | None = None,
        books: Books = NO_BOOKS,
        prices: Prices = FREE,
        terms: Terms = DEFAULTS,
        on_redacted: OnRedacted = lambda _: None,
    ) -> None:
        self._metered = Logged(Metered(model, books), texts=terms.log_texts)
        self._batcher = Batcher(self._metered, books=books, most=terms.batch, linger=terms.linger)
        self._budget = budget
        self._cache = cache
        self._books = books
        self._prices = prices
        self._terms = terms
        self._on_redacted = on_redacted

    def asking(self, asker: Asker = NOBODY) -> Model:
        """The model as it is for one user, or for nobody in particular; costs nothing to make."""
        model: Model = Batched(
            self._metered, self._batcher, free_text=bool(asker.said) and self._terms.user_text
        )
        model = Budgeted(
            model,
            self._budget,
            user_id=asker.user_id,
            prices=self._prices,
            attempts=1 if self._terms.batch < 2 else 2,
        )
        model = Redacted(
            model, asker, user_text=self._terms.user_text, on_redacted=self._on_redacted
        )
        if self._cache is None:
            return model
        return Cached(model, self._cache, asker, books=self._books)

    def about_items(self, *, personal: bool = False) -> Model:
        """
        The model for prompts that hold texts of the catalogue and no words of a user.

        Args:
            personal: Do they tell what somebody did?  Then nobody else gets the answer.
        """
        return OfCatalogue(self, personal=personal)

    def spent(self, user_id: str) -> str:
        """Which budget keeps a user from being served; empty for none."""
        return self._budget.spent(user_id)

    async def warm_up(self) -> None:
        """Read the lists that redaction needs: a second or two that no question should wait."""
        await asyncio.to_thread(load_lexicon)

    def forget(self, user_id: str) -> int:
        """Drop what is remembered of a user's questions; returns how many answers that were."""
        return 0 if self._cache is None else self._cache.forget(user_id)


class OfCatalogue:
    """Asks about items: names in their texts are no secrets, all other personal data is."""

    def __init__(self, economy: Economy, *, personal: bool) -> None:
        self._economy = economy
        self._personal = personal

    async def ask(self, question: Question, *, within: float) -> Answer:
        """Ask with the prompt itself as the text of the catalogue."""
        public = frozenset(message.content for message in question.messages)
        model = self._economy.asking(Asker(personal=self._personal, public=public))
        return await model.ask(question, within=within)
