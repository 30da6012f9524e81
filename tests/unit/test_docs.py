"""What the documents promise is there."""

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from agents.__main__ import ALL, app_of
from agents.metrics import Metrics

ROOT = Path(__file__).parents[2]
app = app_of(ALL)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_metric_has_a_line_in_the_runbook() -> None:
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    families = [f for f in Metrics().registry.collect() if f.name.startswith("headwater_")]
    names = {f"{f.name}_total" if f.type == "counter" else f.name for f in families}
    assert set(re.findall(r"^\| `(headwater_\w+)`", text, re.MULTILINE)) == names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_function_and_file_named_is_there(page: Path) -> None:
    named = re.findall(
        r"`((?:streams|indexes|slates|agents|tests|benchmarks)/[\w/]+\.py)(?::([\w.]+))?`",
        page.read_text(encoding="utf-8"),
    )
    for file, name in named:
        source = (ROOT / file).read_text(encoding="utf-8")
        for part in filter(None, name.split(".")):
            assert re.search(rf"(?:def|class) {part}\b|^    {part}\b", source), f"{file}:{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_named_exists(page: Path) -> None:
    known = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    known |= {group.name for group in app.registered_groups}
    known |= {plugin.name for plugin in entry_points(group="headwater.commands")}
    named = re.findall(r"(?:`|bin/)headwater (\w+)", page.read_text(encoding="utf-8"))
    assert set(named) <= known
