"""`headwater broker`: the embedded broker by itself."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from agents.settings import load_settings
from streams.embedded import serve


def broker(
    with_parent: Annotated[
        bool, typer.Option(hidden=True, help="End when the parent process does.")
    ] = False,
) -> None:
    """
    Run the embedded broker until Ctrl-C; everything it holds is in memory and goes with it.

    Example: headwater broker
    """
    settings = load_settings()
    serve(
        settings.state_dir,
        settings.topics().partition_counts(),
        parent_pid=os.getppid() if with_parent else None,
    )
