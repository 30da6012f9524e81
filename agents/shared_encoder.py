"""One encoder for all of a process who need one, loaded when the first of them does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from agents.cataloguing import Encode
from indexes.embedding import Encoder


class SharedEncoder:
    """Encodes in whatever thread asks, one at a time: its tokenizer is not made for two."""

    def __init__(self, make: Callable[[], Encoder]) -> None:
        """Load nothing yet."""
        self._make = make
        self._encoder: Encoder | None = None
        self._lock = Lock()

    def load(self) -> Encode:
        """Load it, unless somebody has; what encodes."""
        with self._lock:
            self._encoder = self._encoder or self._make()
        return self.encode

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Texts to unit rows; loads it first where nobody has."""
        with self._lock:
            self._encoder = self._encoder or self._make()
            return self._encoder.encode(texts)
