"""Pictures are written in the kind that their name says, and refused before the work."""

from pathlib import Path

import pytest

from evaluation.plots import Line, Plot, check_plot, draw
from streams.errors import BadSetting, SetupError

PLOT = Plot("title", "x", "y", ticks=["0s", "frozen"])
LINES = {"engine": Line([0, 1], [0.2, 0.1], low=[0.1, 0.05], high=[0.3, 0.2])}


def test_a_png_is_one(tmp_path: Path) -> None:
    draw(tmp_path / "a.png", LINES, PLOT)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_an_svg_names_its_curves_and_places(tmp_path: Path) -> None:
    draw(tmp_path / "a.svg", LINES, PLOT)
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "<svg" in text
    assert "frozen" in text


def test_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"\.png or \.svg"):
        check_plot(tmp_path / "a.pdf")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no such folder"):
        check_plot(tmp_path / "no" / "a.png")


def test_no_plot_is_fine() -> None:
    check_plot(None)
