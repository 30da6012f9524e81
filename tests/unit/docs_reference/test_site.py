"""The documents build as a site, without a warning and without anything from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_FETCHED = re.compile(
    r"<(?:script|img|iframe)[^>]+src=\"?https?:|<link[^>]+rel=\"?(?:stylesheet|preconnect|icon)[^>]+"
    r"href=\"?https?:|@import|url\(\"?https?:"
)
"""What a browser would get by itself; links are not."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_document_is_a_page(site: Path) -> None:
    written = {path.relative_to(ROOT / "docs").with_suffix("") for path in _documents()}
    built = {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")}
    assert built == written | {Path("404")}


def _documents() -> list[Path]:
    return list((ROOT / "docs").rglob("*.md"))


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        assert not _FETCHED.search(path.read_text(encoding="utf-8")), path.name
