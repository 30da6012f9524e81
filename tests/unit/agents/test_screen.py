"""The live view says why the top item is there, on a terminal of the usual width too."""

import io
from typing import Any

from rich.console import Console

from agents.scraping import Figures
from agents.screen import draw
from agents.tally import Tally
from tests.unit.agents.test_tally import slate


def drawn(tally: Tally, *, width: int = 80) -> str:
    out = io.StringIO()
    screen = draw(tally, Figures(), {}, title="headwater", notes="Ctrl-C ends it.")
    Console(file=out, width=width).print(screen)
    return out.getvalue()


def tally_of(**fields: Any) -> Tally:
    tally = Tally(shown=10, clicks=3, control=1.0)
    tally.add_slate(slate(note="no item is left that was not seen", **fields))
    return tally


def test_80_columns_hold_a_reason_and_the_bars() -> None:
    text = drawn(tally_of())
    assert "no item is left that was not" in text
    assert "█" * 20 in text
    assert "█…" not in text
    assert "revision" not in text


def test_revisions_have_a_column_once_a_model_is_asked() -> None:
    text = drawn(tally_of(refinement="model is slow"), width=120)
    assert "revision" in text
    assert "model is" in text
