"""
Figures as PNG or SVG; the owner module of matplotlib.

They are drawn without a screen.  Colours are those of Okabe and Ito, which the colour blind can
tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.lineup import not_installed
from streams.errors import BadSetting, SetupError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = (".png", ".svg")
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
SIZE = (8.0, 4.5)
"""Inches."""


@dataclass(frozen=True, slots=True)
class Line:
    """One curve."""

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    """The lower ends of the intervals; with them goes `high`."""
    high: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class Plot:
    """What stands around the curves."""

    title: str
    x_label: str
    y_label: str
    ticks: Sequence[str] | None = None
    """Names of the places 0, 1, … where the x axis has no numbers."""


def check_plot(path: Path | None) -> None:
    """
    Refuse before the work what could not be drawn after it.

    Raises:
        BadSetting: Not the name of a PNG or SVG file.
        SetupError: No such folder, or matplotlib is not installed.
    """
    if path is None:
        return
    if path.suffix.lower() not in KINDS:
        raise BadSetting(f"--plot {path}: expected a name that ends in {' or '.join(KINDS)}")
    if not path.absolute().parent.is_dir():
        raise SetupError(f"--plot {path}: no such folder, make it first")
    _figure()


def draw(path: Path, lines: Mapping[str, Line], plot: Plot) -> None:
    """Draw curves over each other into a file; the y axis begins at zero."""
    figure = _figure()
    axes = figure.add_subplot()
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(line.x, line.y, marker="o", markersize=3, label=name, color=colour)
        if line.low is not None and line.high is not None:
            axes.fill_between(line.x, line.low, line.high, alpha=0.15, color=colour)
    axes.set(title=plot.title, xlabel=plot.x_label, ylabel=plot.y_label)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    if plot.ticks is not None:
        axes.set_xticks(range(len(plot.ticks)), plot.ticks)
    figure.legend(frameon=False, loc="outside right upper")
    try:
        figure.savefig(path, dpi=150)
    except OSError as exc:
        raise SetupError(f"{path}: cannot be written: {exc}") from exc


def _figure() -> Figure:
    """Apart from pyplot, so that nothing is kept and no screen is looked for."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as exc:
        raise not_installed("--plot", exc) from exc
    return Figure(figsize=SIZE, layout="constrained")
