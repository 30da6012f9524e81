"""The page of the benchmarks says where a figure is that of a line which grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.report import NEW_ITEMS_RATE, Report, write


@pytest.mark.parametrize(("pace", "grows"), [(NEW_ITEMS_RATE / 2, True), (NEW_ITEMS_RATE, False)])
def test_where_the_encoder_is_slower_than_new_items_come_that_is_said(
    pace: float, grows: bool, tmp_path: Path
) -> None:
    report = Report(items=1_000, load_seconds=1_000 / pace, findable=(400.0, 900.0))
    write(report, tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "within 400 ms at p50 and 900 ms at p99" in text
    assert ("a line that grows" in text) is grows
