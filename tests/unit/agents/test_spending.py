"""From the settings to a model that is counted, and the command that shows what it cost."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.__main__ import app_of
from agents.metrics import Metrics
from agents.model_settings import BudgetSettings, PriceSettings, PrivacySettings
from agents.settings import Settings, load_settings
from agents.spending import limits_of, open_economy
from slates.askers import Asker
from slates.model import Answer, Message, Question, Usage
from streams.errors import BadSetting, ModelUnavailable

QUESTION = Question("rerank", "p/1", (Message("user", "write to a@b.example"),), 10)


class Server:
    async def ask(self, question: Question, *, within: float) -> Answer:
        if "fail" in question.messages[0].content:
            raise ModelUnavailable("late", reason="timeout")
        return Answer("x", Usage(100, 40, 10), "small", 0.1)


def settings_in(tmp_path: Path, **others: Any) -> Settings:
    prices = {"small": PriceSettings(prompt=1.0, cached=0.5, completion=2.0)}
    budget = BudgetSettings(**{"prices": prices, "batch": 1, **others})
    return Settings(state_dir=tmp_path, budget=budget)


def shown(*words: str) -> str:
    result = CliRunner().invoke(
        app_of(("budget", "why")), ["budget", *words], catch_exceptions=False
    )
    assert result.exit_code == 0
    return result.output


async def test_a_call_is_in_the_metrics_and_in_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Metrics()
    economy, _, ledger = open_economy(settings_in(tmp_path), Server(), metrics=metrics)
    model = economy.asking(Asker(user_id="ann", personal=True))
    await model.ask(QUESTION, within=1.0)
    await model.ask(QUESTION, within=1.0)

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, labels)

    assert value("headwater_model_calls_total", strategy="rerank", outcome="answered") == 1
    assert value("headwater_model_tokens_total", strategy="rerank", kind="cached") == 40
    assert value("headwater_model_cost_total") == pytest.approx(0.0001)
    assert value("headwater_model_cache_total", outcome="exact") == 1
    assert value("headwater_model_saved_tokens_total", cause="cache-exact") == 110
    assert value("headwater_model_redacted_total", kind="EMAIL") == 1
    assert value("headwater_model_seconds_count", strategy="rerank") == 1
    ledger.close()
    monkeypatch.setenv("HEADWATER_STATE_DIR", str(tmp_path))
    found = json.loads(shown("--json"))
    assert found["total"] == {
        "calls": 1,
        "tokens": 110,
        "cost": 0.0001,
        "unpriced_tokens": 0,
        "saved_tokens": 110,
    }
    assert found["saved"][0]["cause"] == "cache-exact"
    table = shown()
    assert "rerank" in table
    assert "cache-exact" in table


async def test_failures_are_counted_by_reason(tmp_path: Path) -> None:
    metrics = Metrics()
    economy, _, ledger = open_economy(settings_in(tmp_path), Server(), metrics=metrics)
    failing = Question("rerank", "p/1", (Message("user", "fail"),), 10)
    with pytest.raises(ModelUnavailable):
        await economy.asking().ask(failing, within=1.0)
    ledger.close()
    labels = {"strategy": "rerank", "outcome": "timeout"}
    assert metrics.registry.get_sample_value("headwater_model_calls_total", labels) == 1


async def test_money_of_today_counts_after_a_restart(tmp_path: Path) -> None:
    for refused in (False, True):
        settings = settings_in(tmp_path, day_money=0.00012)
        economy, _, ledger = open_economy(settings, Server(), metrics=Metrics())
        model = economy.asking()
        if refused:
            with pytest.raises(ModelUnavailable) as caught:
                await model.ask(QUESTION, within=1.0)
            assert caught.value.reason == "budget-day"
        else:
            await model.ask(QUESTION, within=1.0)
        ledger.close()


def test_where_nothing_was_spent_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_STATE_DIR", str(tmp_path))
    assert "Nothing was spent" in shown()
    assert json.loads(shown("--json"))["total"]["calls"] == 0


def test_a_budget_of_money_needs_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_BUDGET__DAY_MONEY", "5")
    with pytest.raises(BadSetting, match="needs prices"):
        load_settings()


def test_prices_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_BUDGET__PRICES", '{"m": {"prompt": 0.15, "completion": 0.6}}')
    monkeypatch.setenv("HEADWATER_BUDGET__DAY_MONEY", "2.5")
    part = load_settings().budget
    assert (part.prices["m"].completion, limits_of(part).day) == (0.6, 2_500_000_000)


def test_by_default_no_words_of_users_leave_and_no_texts_are_logged() -> None:
    assert PrivacySettings() == PrivacySettings(user_text=False, log_texts=False)
