"""`headwater worker` and `headwater up`: wrong settings are named before anything is waited for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agents.commands.up import up
from agents.commands.worker import worker
from streams.errors import BadSetting


@pytest.mark.parametrize("command", [worker, up])
def test_an_unknown_stage_of_a_strategy_is_named_without_a_broker(
    command: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[mine]\ncandidates = ["telepathy"]\n', encoding="utf-8")
    monkeypatch.setenv("HEADWATER_STRATEGIES", str(path))
    monkeypatch.setenv("HEADWATER_BROKER", "127.0.0.1:9")
    monkeypatch.setenv("HEADWATER_BROKER_PATIENCE", "PT0.1S")
    with pytest.raises(BadSetting, match="telepathy"):
        command()
