"""From the settings to the economy of a language model, with its books in metrics and a ledger."""

from __future__ import annotations

from collections.abc import Mapping

from agents.metrics import Metrics
from agents.model_settings import BudgetSettings
from agents.settings import Settings
from slates.books import Cause, Looked
from slates.budget import Budget, Limits
from slates.cache import Cache, Encode
from slates.economy import Economy, Terms
from slates.ledger import Ledger
from slates.model import Model, Question, Usage
from slates.money import BILLION, Prices, price


class Spending:
    """The books of a worker: what a ledger keeps, metrics count. See `slates.books.Books`."""

    def __init__(self, ledger: Ledger, metrics: Metrics, prices: Prices) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._prices = prices

    def called(
        self, question: Question, *, model: str, usage: Usage, outcome: str, seconds: float
    ) -> None:
        """Add a call."""
        strategy = question.strategy
        self._metrics.model_calls.labels(strategy, outcome).inc()
        self._metrics.model_seconds.labels(strategy).observe(seconds)
        for kind in ("prompt", "cached", "completion"):
            self._metrics.model_tokens.labels(strategy, kind).inc(getattr(usage, kind))
        self._metrics.model_cost.inc(self._prices.of(model, usage) / BILLION)
        self._ledger.called(question, model=model, usage=usage, outcome=outcome, seconds=seconds)

    def saved(self, strategy: str, *, cause: Cause, tokens: int) -> None:
        """Add tokens that were not spent."""
        self._metrics.model_saved_tokens.labels(cause).inc(tokens)
        self._ledger.saved(strategy, cause=cause, tokens=tokens)

    def looked_up(self, outcome: Looked) -> None:
        """Count a look into the cache."""
        self._metrics.model_cache.labels(outcome).inc()


def open_economy(
    settings: Settings, model: Model, *, metrics: Metrics, encode: Encode | None = None
) -> tuple[Economy, Spending, Ledger]:
    """
    A model as workers ask it.

    Args:
        settings: Budgets, prices, the cache and what may leave.
        model: Who answers in the end.
        metrics: Where calls are counted.
        encode: Texts to vectors, for requests that mean the same; None finds only equal ones.

    Returns:
        The economy, the books that strategies tell what they saved, and the ledger to be closed.

    Raises:
        SetupError: The ledger cannot be written.
    """
    prices = prices_of(settings.budget)
    ledger = Ledger(settings.ledger, prices=prices)
    books = Spending(ledger, metrics, prices)
    economy = Economy(
        model,
        budget=Budget(limits_of(settings.budget), spent_today=ledger.cost_of(ledger.today())),
        cache=_cache(settings, encode),
        books=books,
        prices=prices,
        terms=Terms(
            user_text=settings.privacy.user_text,
            log_texts=settings.privacy.log_texts,
            batch=settings.budget.batch,
        ),
        on_redacted=lambda counts: _count(metrics, counts),
    )
    return economy, books, ledger


def prices_of(part: BudgetSettings) -> Prices:
    """The table of prices."""
    return Prices(
        {
            name: price(prompt=each.prompt, cached=each.cached, completion=each.completion)
            for name, each in part.prices.items()
        }
    )


def limits_of(part: BudgetSettings) -> Limits:
    """The budgets."""
    day = None if part.day_money is None else int(part.day_money * BILLION)
    return Limits(
        user=part.user_tokens, hour=part.hour_tokens, process=part.process_tokens, day=day
    )


def _cache(settings: Settings, encode: Encode | None) -> Cache | None:
    part = settings.cache
    if not part.most:
        return None
    return Cache(
        most=part.most,
        max_age=part.max_age.total_seconds(),
        threshold=part.threshold,
        encode=encode if part.semantic else None,
    )


def _count(metrics: Metrics, counts: Mapping[str, int]) -> None:
    for kind, count in counts.items():
        metrics.model_redacted.labels(kind).inc(count)
