"""
`headwater worker`, with hashes for vectors.

Loading the encoder takes as much processor time as all else that a worker does in a test: those
that are not about likeness run it like this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from agents.commands.worker import run_worker
from agents.roles import ROLES
from agents.testing import HashEncoder


class Hashing:
    """In place of the encoder."""

    precision = "fp32"

    def __init__(self) -> None:
        self._hash = HashEncoder()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """As `indexes.embedding.Encoder.encode`; equal texts alone are alike."""
        return self._hash(texts)


app = typer.Typer()


@app.callback()
def begin() -> None:
    """It takes the arguments of `headwater`."""


@app.command()
def worker(roles: Annotated[str, typer.Option()] = ",".join(ROLES)) -> None:
    """Run it."""
    run_worker(roles, encoder=Hashing)


if __name__ == "__main__":
    app()
