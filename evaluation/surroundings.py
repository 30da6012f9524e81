"""What an evaluation finds around it: the folder with data, the vectors that earlier runs kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agents.settings import PREFIX, load_settings
from evaluation.vectors import KeptVectors, Vectors
from indexes.embedding import Encoder, fingerprint
from streams.errors import SetupError


def data_folder(name: str) -> Path:
    """
    A folder of the evaluation data.

    Raises:
        SetupError: There is none, or nobody has said where.
    """
    folder = load_settings().data_dir
    if folder is None:
        raise SetupError(f"no data: set {PREFIX}DATA_DIR, or name the folder")
    return folder / name


def kept_encoder() -> KeptVectors:
    """The encoder; what it has encoded is kept in the state folder for the next run."""
    return KeptVectors(
        _encode, load_settings().state_dir / f"explanations-{fingerprint().hex()}.npz"
    )


def _encode(texts: Sequence[str]) -> Vectors:
    return Encoder().encode(texts)
