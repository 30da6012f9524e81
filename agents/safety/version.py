"""Refuse to run on a faust-streaming that the mends were not proven on."""

from __future__ import annotations

from importlib.metadata import version

from streams.errors import SetupError

PROVEN = "0.15.3"


def check_version() -> None:
    """
    Compare the installed faust-streaming with the one that was tested.

    Raises:
        SetupError: It is another one.
    """
    if (found := version("faust-streaming")) != PROVEN:
        raise SetupError(
            f"faust-streaming {found} is installed, the mends of agents/safety are proven on "
            f"{PROVEN} only: pip install faust-streaming=={PROVEN}"
        )
