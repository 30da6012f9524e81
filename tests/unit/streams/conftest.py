"""Doubles that several modules of tests are handed."""

import gzip
from pathlib import Path

import pytest

from tests.support.files import (
    Write,
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of this name; packed where the name says so."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write
