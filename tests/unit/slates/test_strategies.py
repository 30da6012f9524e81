"""Strategies are data: what a section does not say holds as set, what it misspells is named."""

from pathlib import Path

import pytest

from slates.config import SlateConfig
from slates.strategies import load_strategies
from streams.errors import BadSetting


def load(tmp_path: Path, text: str, *, base: SlateConfig = SlateConfig()) -> dict[str, SlateConfig]:  # noqa: B008 (frozen)
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return dict(load_strategies(base, path))


def test_those_that_come_with_headwater_are_there_and_know_their_names() -> None:
    found = load_strategies(SlateConfig())
    of_the_engine = {"hybrid", "popular", "similar", "neighbours", "repeat"}
    with_a_model = {"prompt", "rerank", "rerank-windows", "ra-rec", "explain", "generate"}
    assert set(found) == of_the_engine | with_a_model
    assert {name for name in found if found[name].refinement != "none"} == with_a_model
    assert all(strategy.strategy == name for name, strategy in found.items())


def test_the_default_is_the_settings_themselves() -> None:
    base = SlateConfig(size=7, diversity=0.9)
    assert load_strategies(base)["hybrid"] == base


def test_what_a_section_does_not_say_is_as_in_the_settings(tmp_path: Path) -> None:
    found = load(tmp_path, "[mine]\nsize = 3\n", base=SlateConfig(retrieve=77))
    assert (found["mine"].size, found["mine"].retrieve) == (3, 77)


def test_a_file_adds_strategies_and_replaces_them_by_name(tmp_path: Path) -> None:
    found = load(tmp_path, '[popular]\ncandidates = ["fresh"]\n\n[mine]\n')
    assert found["popular"].candidates == ("fresh",)
    assert {"hybrid", "mine"} <= set(found)


WRONG = {
    "no TOML": ("[mine", "is no TOML"),
    "no section": ("size = 3", "'size' stands alone"),
    "an unknown name": ("[mine]\nsizes = 3", "sizes is not known"),
    "a wrong value": ("[mine]\nsize = 0", "size"),
    "an unknown source": ('[mine]\ncandidates = ["horoscope"]', "candidates"),
    "an unknown feature": ("[mine]\nranker = { colour = 1.0 }", "colour is no feature"),
    "an unknown teacher": ('[mine]\ntaught_by = "nobody"', "taught_by: 'nobody' is none of"),
    "an unknown scenario": (
        '[mine]\nrefine_scenarios = ["tea"]',
        "refine_scenarios: 'tea' is none",
    ),
    "an unknown refinement": ('[mine]\nrefinement = "magic"', "refinement"),
    "visits of its own": ('[mine]\nvisits = ["sigh"]', "the actions with a gain above 0"),
    "a name of its own": ('[mine]\nstrategy = "yours"', "the name is that of the section"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_refused_at_start_with_file_section_and_name(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(BadSetting, match=said) as refused:
        load(tmp_path, text)
    assert "own.toml" in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="cannot be read"):
        load_strategies(SlateConfig(), tmp_path / "nowhere.toml")
