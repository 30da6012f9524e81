"""
The top-level packages are flat, so another distribution could own one of their names.

The wheel of openai-agents, for one, is a package called `agents`.
"""

import importlib
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ["streams", "indexes", "slates", "agents", "evaluation", "examples"]


@pytest.mark.parametrize("name", OURS)
def test_no_other_distribution_owns_the_name(name: str) -> None:
    assert set(packages_distributions().get(name, ["headwater"])) == {"headwater"}


@pytest.mark.parametrize("name", [*OURS, "benchmarks"])
def test_the_name_is_this_checkout(name: str) -> None:
    found = importlib.import_module(name).__file__
    assert found is not None
    assert Path(found).is_relative_to(ROOT)


def test_nobody_uploads_it_by_mistake() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "Private :: Do Not Upload" in project["classifiers"]
