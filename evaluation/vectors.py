"""
The vectors of texts, computed once and kept in a file.

A catalogue of 10,000 texts takes minutes to encode, and every run of an evaluation needs the same.
The file is worth nothing else: whatever is wrong with it, the texts are encoded again.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from streams.errors import SetupError
from streams.items import content_hash

Vectors: TypeAlias = NDArray[np.float16]
Encode: TypeAlias = Callable[[Sequence[str]], Vectors]
"""Texts to unit vectors, one row each."""


class KeptVectors:
    """
    An encoder that remembers.

    >>> calls = []
    >>> def encode(texts):
    ...     calls.append(list(texts))
    ...     return np.ones((len(texts), 2), np.float16)
    >>> import tempfile
    >>> kept = KeptVectors(encode, Path(tempfile.mkdtemp()) / "vectors.npz")
    >>> kept(["a", "b"]).shape, kept(["b", "c"]).shape, calls
    ((2, 2), (2, 2), [['a', 'b'], ['c']])
    """

    def __init__(self, encode: Encode, path: Path) -> None:
        """
        Read what is kept.

        Args:
            encode: Used for texts that are new.
            path: An .npz file; the encoder's fingerprint belongs into its name.
        """
        self._encode = encode
        self._path = path
        self._known = _read(path)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts, in their order; new ones are kept before they are returned."""
        new = [text for text in dict.fromkeys(texts) if content_hash(text) not in self._known]
        if new:
            rows = self._encode(new).astype(np.float16)
            self._known |= {content_hash(t): row for t, row in zip(new, rows, strict=True)}
            _write(self._path, self._known)
        return np.array([self._known[content_hash(text)] for text in texts], dtype=np.float32)


def _read(path: Path) -> dict[bytes, Vectors]:
    try:
        with path.open("rb") as file, np.load(file) as kept:
            hashes, rows = kept["hashes"], kept["rows"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    return {key.tobytes(): row for key, row in zip(hashes, rows, strict=False)}


def _write(path: Path, known: dict[bytes, Vectors]) -> None:
    """Beside it first, then in its place: two runs at once lose a run's work, never the file."""
    beside = path.with_name(f"{path.stem}-{os.getpid()}.npz")
    hashes = np.frombuffer(b"".join(known), np.uint8).reshape(len(known), -1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(beside, hashes=hashes, rows=np.array(list(known.values())))
        beside.replace(path)
    except OSError as exc:
        raise SetupError(f"{path}: vectors cannot be kept: {exc}") from exc
