"""The commands, by Typer's own description of them."""

from __future__ import annotations

from importlib.metadata import entry_points

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from agents.__main__ import ALL, PLUGINS, app_of, mount

INTRO = """
Settings come from the environment or `headwater.toml`: [settings](settings.md).
Exit codes: 0 is good, 1 means that what was asked about is not so or not there,
2 that the surroundings are wrong; the line on stderr says what to do.
Those of a worker are in [the runbook](../runbook.md#what-a-workers-end-means).
"""


def page() -> str:
    """The page."""
    app = app_of(ALL)
    mount(app, entry_points(group=PLUGINS))
    group = get_command(app)
    text = get_docs_for_click(
        obj=group, ctx=typer.Context(group), name="headwater", title="Commands"
    )
    text = text.replace("```console\n$ ", "```text\n")
    first, rest = text.split("\n\n", maxsplit=1)
    return f"{first}\n{INTRO}\n{rest}"
