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

THRESHOLDS = tuple(round(0.7 + 0.01 * step, 2) for step in range(30))
WRONG = 0.01
"""Most of the pairs that differ that may be hits."""
SAMPLE = 500
"""Pairs on which vectors alone are tried: encoding is what takes the time."""
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
class Seen:
    """Pairs as the cache sees them."""

    same: NDArray[np.bool_]
    """By their labels."""
    cosine: NDArray[np.float32]
    """-1 where words tell them apart."""

    def part(self, start: int, end: int) -> Seen:
        """Some of them."""
        return Seen(self.same[start:end], self.cosine[start:end])


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


def measure(pairs: Sequence[Pair], encode: Encode, *, threshold: float) -> Figures:
    """
    Choose on the first half, score the second.

    Only pairs that words do not tell apart are encoded: the others are no hits at any threshold.

    Args:
        pairs: In a random order.
        encode: Texts to unit rows.
        threshold: The one that is in use; it is scored, too.
    """
    half = len(pairs) // 2
    seen = _seen(pairs, encode)
    first, second = seen.part(0, half), seen.part(half, len(pairs))
    chosen = choose(first)
    return {
        "pairs": len(pairs),
        "threshold": chosen,
        **rates(second, chosen),
        "chosen_on": rates(first, chosen),
        "in_use": {"threshold": threshold, **rates(second, threshold)},
        "curve": {str(t): rates(second, t) for t in THRESHOLDS[::3]},
        "vectors_alone": _vectors_alone(pairs[half:][:SAMPLE], encode),
        "told_apart_by": dict(_reasons(pairs[half:])),
        "numeric_twins": _twins(pairs, encode, chosen),
    }


def choose(seen: Seen) -> float:
    """The lowest threshold at which half of what is allowed is wrong: other data is other."""
    for threshold in THRESHOLDS:
        if rates(seen, threshold)["wrong_rate"] <= WRONG / 2:
            return threshold
    return 1.0


def rates(seen: Seen, threshold: float) -> dict[str, float]:
    """Hits, and wrong ones of the pairs that differ and of all hits."""
    hits = seen.cosine >= threshold
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


def _seen(pairs: Sequence[Pair], encode: Encode) -> Seen:
    alike = [at for at, pair in enumerate(pairs) if _same_words(pair.text_a, pair.text_b)]
    cosine = np.full(len(pairs), -1.0, dtype=np.float32)
    if alike:
        cosine[alike] = _cosines([pairs[at] for at in alike], encode)
    return Seen(np.array([pair.label == 1 for pair in pairs]), cosine)


def _same_words(one: str, other: str) -> bool:
    return difference(meaning(one), meaning(other)) is None


def _vectors_alone(pairs: Sequence[Pair], encode: Encode) -> Figures:
    """What nearness alone would do, at the threshold at which as few are wrong."""
    seen = Seen(np.array([pair.label == 1 for pair in pairs]), _cosines(pairs, encode))
    threshold = choose(seen)
    return {"pairs": len(pairs), "threshold": threshold, **rates(seen, threshold)}


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


def _reasons(pairs: Sequence[Pair]) -> Counter[str]:
    """Of pairs that differ, by what words say; `nothing` is left to vectors."""
    different = (pair for pair in pairs if pair.label == 0)
    found = (difference(meaning(pair.text_a), meaning(pair.text_b)) for pair in different)
    return Counter(reason or "nothing" for reason in found)


def _twins(pairs: Sequence[Pair], encode: Encode, threshold: float) -> Figures:
    """Questions with a number, and the same with another number."""
    asked = [pair.text_a for pair in pairs if re.search(r"\d", pair.text_a)]
    twins = [
        Pair(text, re.sub(r"\d+", lambda found: str(int(found[0]) + 1), text, count=1), 0)
        for text in asked
    ]
    near = 0
    if few := twins[: SAMPLE // 5]:
        near = int((_cosines(few, encode) >= threshold).sum())
    return {
        "pairs": len(twins),
        "hits": sum(_same_words(twin.text_a, twin.text_b) for twin in twins),
        "encoded": len(few),
        "near": near,
    }
