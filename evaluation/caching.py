"""
What a semantic cache would answer wrongly, on pairs of questions labelled as the same or not.

The threshold is chosen on the first part of the pairs, the figures that count are of the second.
Near-twins are made of the questions that have a number, by changing it: none may ever be a hit.
"""

from __future__ import annotations

import gzip
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from slates.meaning import difference, meaning
from streams.errors import SetupError

THRESHOLDS = (*(round(0.7 + 0.01 * step, 2) for step in range(30)), 0.995)
WRONG = 0.01
"""Most of the pairs that differ that may be hits."""
_CHUNK = 256
"""Texts of about the same length that are encoded together."""

Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.floating]]
Figures: TypeAlias = Mapping[str, Any]


class Pair(msgspec.Struct, frozen=True):
    """Two questions."""

    text_a: str
    text_b: str
    label: int
    """1 where they mean the same."""


@dataclass(frozen=True, slots=True)
class _Seen:
    same: NDArray[np.bool_]
    cosine: NDArray[np.float32]
    words: NDArray[np.bool_]
    """Do words find no difference?"""


def load_pairs(path: Path, *, sample: float, seed: int) -> list[Pair]:
    """
    Read the file, and take a share of it in a seeded order.

    Raises:
        SetupError: It cannot be read, or is another one.
    """
    try:
        data = path.read_bytes()
        plain = gzip.decompress(data) if path.suffix == ".gz" else data
        pairs = msgspec.json.decode(plain, type=list[Pair], strict=False)
    except (OSError, EOFError, msgspec.MsgspecError) as exc:
        raise SetupError(f"{path}: {exc}; expected a list of text_a, text_b and label") from exc
    random.Random(seed).shuffle(pairs)
    return pairs[: max(2, round(len(pairs) * sample))]


def measure(pairs: Sequence[Pair], encode: Encode, *, threshold: float | None = None) -> Figures:
    """
    Choose on the first half, score the second.

    Args:
        pairs: In a random order.
        encode: Texts to unit rows.
        threshold: The one that is in use; it is scored, too.
    """
    half = len(pairs) // 2
    cosine = _cosines(pairs, encode)
    first, second = _seen(pairs[:half], cosine[:half]), _seen(pairs[half:], cosine[half:])
    chosen = choose(first)
    return {
        "pairs": len(pairs),
        "threshold": chosen,
        **_rates(second, chosen),
        "chosen_on": _rates(first, chosen),
        "in_use": None
        if threshold is None
        else {"threshold": threshold, **_rates(second, threshold)},
        "vectors_alone": _rates(second, chosen, words=False),
        "curve": {str(t): _rates(second, t) for t in THRESHOLDS[::3]},
        "told_apart_by": dict(_reasons(pairs[half:], cosine[half:], chosen)),
        "numeric_twins": _twins(pairs, encode, chosen),
    }


def choose(seen: _Seen) -> float:
    """The lowest threshold at which few enough pairs that differ are hits."""
    for threshold in THRESHOLDS:
        if _rates(seen, threshold)["wrong_rate"] <= WRONG / 2:
            return threshold
    return 1.0


def _rates(seen: _Seen, threshold: float, *, words: bool = True) -> dict[str, float]:
    hits = (seen.cosine >= threshold) & (seen.words | (not words))
    wrong = hits & ~seen.same
    return {
        "hits": int(hits.sum()),
        "hit_rate": _share(hits.sum(), len(hits)),
        "hit_rate_of_same": _share((hits & seen.same).sum(), seen.same.sum()),
        "wrong_rate": _share(wrong.sum(), (~seen.same).sum()),
        "wrong_of_hits": _share(wrong.sum(), hits.sum()),
    }


def _share(part: Any, whole: Any) -> float:
    return round(float(part) / float(whole), 5) if whole else 0.0


def _seen(pairs: Sequence[Pair], cosine: NDArray[np.float32]) -> _Seen:
    words = [difference(meaning(p.text_a), meaning(p.text_b)) is None for p in pairs]
    return _Seen(np.array([p.label == 1 for p in pairs]), cosine, np.array(words))


def _cosines(pairs: Sequence[Pair], encode: Encode) -> NDArray[np.float32]:
    rows = _encoded([p.text_a for p in pairs] + [p.text_b for p in pairs], encode)
    cosines: NDArray[np.float32] = np.einsum("ij,ij->i", rows[: len(pairs)], rows[len(pairs) :])
    return cosines


def _encoded(texts: Sequence[str], encode: Encode) -> NDArray[np.float32]:
    """Rows in the order of the texts, encoded by length: short ones must not wait for long ones."""
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    rows: dict[int, NDArray[np.float32]] = {}
    for start in range(0, len(order), _CHUNK):
        part = order[start : start + _CHUNK]
        encoded = np.asarray(encode([texts[at] for at in part]), dtype=np.float32)
        rows.update(zip(part, encoded, strict=True))
    return np.stack([rows[at] for at in range(len(texts))])


def _reasons(pairs: Sequence[Pair], cosine: NDArray[np.float32], threshold: float) -> Counter[str]:
    near = (pair for pair, likeness in zip(pairs, cosine, strict=True) if likeness >= threshold)
    found = (difference(meaning(p.text_a), meaning(p.text_b)) for p in near if p.label == 0)
    return Counter(reason or "nothing" for reason in found)


def _twins(pairs: Sequence[Pair], encode: Encode, threshold: float) -> Figures:
    """Questions with a number, and the same with another number."""
    asked = [p.text_a for p in pairs if re.search(r"\d", p.text_a)][:500]
    changed = [re.sub(r"\d+", lambda m: str(int(m[0]) + 1), text, count=1) for text in asked]
    if not asked:
        return {"pairs": 0, "near": 0, "hits": 0}
    rows = _encoded([*asked, *changed], encode)
    cosine = np.einsum("ij,ij->i", rows[: len(asked)], rows[len(asked) :])
    same = [difference(meaning(a), meaning(b)) is None for a, b in zip(asked, changed, strict=True)]
    near = cosine >= threshold
    return {
        "pairs": len(asked),
        "near": int(near.sum()),
        "hits": int((near & np.array(same)).sum()),
    }
