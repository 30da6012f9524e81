"""
Strategies as data: named ways to build a slate, out of a TOML file.

A section sets what is different from the settings; whatever it does not know it refuses by name,
at start, so that a misspelt stage never runs for a night without anybody noticing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from slates.config import SlateConfig
from slates.features import NAMES
from slates.scenarios import SCENARIOS
from streams.errors import BadSetting
from streams.requests import SlateRequest

SETTING = "HEADWATER_STRATEGIES"

_GIVEN = {
    "strategy": "the name is that of the section",
    "visits": "these are the actions with a gain above 0",
}
"""What no section may set, and why."""

Strategies: TypeAlias = Mapping[str, SlateConfig]
"""Name to how its slates are built."""


@dataclass(frozen=True, slots=True)
class Menu:
    """Which strategy a request gets."""

    strategies: Strategies
    usual: str
    """The one that is taken where nothing else is said."""
    by_scenario: Mapping[str, str] = field(default_factory=dict)
    """Scenario to the strategy of its slates."""

    def config_for(self, request: SlateRequest) -> SlateConfig:
        """What the request names, else what is set for its scenario, else the usual one."""
        named = request.strategy or self.by_scenario.get(request.scenario, self.usual)
        return self.strategies[named]

    def named(self, name: str) -> SlateConfig:
        """A strategy; the usual one for a name that another worker knows and this one does not."""
        return self.strategies.get(name) or self.strategies[self.usual]


def load_strategies(base: SlateConfig, path: Path | None = None) -> Strategies:
    """
    Read the strategies that come with Headwater, and a file of one's own.

    Args:
        base: What holds where a section says nothing.
        path: Adds strategies, or replaces them by name.

    Raises:
        BadSetting: The file cannot be read, or a section has an unknown name or a wrong value.
    """
    shipped = files("slates").joinpath("strategies.toml").read_text(encoding="utf-8")
    strategies = _parse(shipped, base, "strategies.toml")
    if path is None:
        return _consistent(strategies, "strategies.toml")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise BadSetting(f"{SETTING}: {path} cannot be read: {exc}") from exc
    return _consistent({**strategies, **_parse(text, base, str(path))}, str(path))


def _consistent(strategies: Strategies, place: str) -> Strategies:
    """Whatever a strategy names must be there."""
    for name, strategy in strategies.items():
        _require(f"{place}: [{name}] taught_by", {strategy.school}, strategies.keys())
        _require(f"{place}: [{name}] refine_scenarios", strategy.refine_scenarios, SCENARIOS)
    return strategies


def _require(where: str, wanted: Iterable[str], known: AbstractSet[str]) -> None:
    if unknown := sorted(set(wanted) - known):
        names = ", ".join(sorted(known))
        raise BadSetting(f"{SETTING}: {where}: {unknown[0]!r} is none of {names}")


def _parse(text: str, base: SlateConfig, place: str) -> dict[str, SlateConfig]:
    try:
        sections = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise BadSetting(f"{SETTING}: {place} is no TOML: {exc}") from exc
    return {name: _strategy(name, section, base, place) for name, section in sections.items()}


def _strategy(name: str, section: Any, base: SlateConfig, place: str) -> SlateConfig:
    if not isinstance(section, dict):
        raise BadSetting(f"{SETTING}: {place}: {name!r} stands alone, expected sections as [name]")
    for given in _GIVEN.keys() & section.keys():
        raise BadSetting(f"{SETTING}: {place}: [{name}] {given}: {_GIVEN[given]}")
    try:
        strategy = SlateConfig.model_validate({**base.model_dump(), **section, "strategy": name})
    except ValidationError as exc:
        lines = "; ".join(_line(error) for error in exc.errors())
        raise BadSetting(f"{SETTING}: {place}: [{name}] {lines}") from exc
    unknown = set(() if strategy.ranker == "learned" else strategy.ranker) - set(NAMES)
    if unknown:
        raise BadSetting(
            f"{SETTING}: {place}: [{name}] ranker: {', '.join(sorted(unknown))} is no feature; "
            f"known are {', '.join(NAMES)}"
        )
    return strategy


def _line(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = ", ".join(sorted(SlateConfig.model_fields))
        return f"{where} is not known; known are {known}"
    return f"{where}: {error['msg']} (got {error['input']!r})"
