"""A text is encoded once, also over runs, and a spoiled file costs only time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.vectors import KeptVectors


class Encoder:
    """A text is as long as its vector says."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float16]:
        self.encoded += texts
        return np.array([[len(text), 1.0] for text in texts], dtype=np.float16)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "vectors.npz"


def test_vectors_come_in_the_order_of_the_texts(path: Path) -> None:
    kept = KeptVectors(Encoder(), path)
    kept(["aa"])
    assert kept(["a", "aa", "aaa", "a"])[:, 0].tolist() == [1.0, 2.0, 3.0, 1.0]


def test_another_run_encodes_only_what_is_new(path: Path) -> None:
    KeptVectors(Encoder(), path)(["a", "aa"])
    later = Encoder()
    assert KeptVectors(later, path)(["aa", "aaa"])[:, 0].tolist() == [2.0, 3.0]
    assert later.encoded == ["aaa"]


def test_a_spoiled_file_is_written_anew(path: Path) -> None:
    KeptVectors(Encoder(), path)(["a"])
    path.write_bytes(path.read_bytes()[:30])
    encoder = Encoder()
    KeptVectors(encoder, path)(["a"])
    assert encoder.encoded == ["a"]
    assert KeptVectors(Encoder(), path)(["a"])[0, 0] == 1.0


def test_nothing_else_is_left_in_the_folder(path: Path) -> None:
    KeptVectors(Encoder(), path)(["a"])
    assert [file.name for file in path.parent.iterdir()] == ["vectors.npz"]
