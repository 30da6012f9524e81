"""The semantic cache on labelled pairs: chosen on one half, scored on the other."""

import gzip
import json
import os
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from evaluation.caching import Pair, Seen, choose, load_pairs, measure, rates
from slates.meaning import difference, meaning
from streams.errors import SetupError

DATA = os.environ.get("HEADWATER_DATA_DIR")


def by_letters(texts: Sequence[str]) -> np.ndarray:
    rows = np.array([[text.lower().count(c) + 0.01 for c in "abcdefghij"] for text in texts])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_hit_of_pairs_that_differ_is_wrong() -> None:
    seen = Seen(np.array([True, True, False, False]), np.array([0.99, 0.5, 0.99, 0.2]))
    found = rates(seen, 0.9)
    assert (found["hit_rate"], found["wrong_rate"], found["wrong_of_hits"]) == (0.5, 0.5, 0.5)


def test_the_threshold_is_the_lowest_that_is_wrong_seldom_enough() -> None:
    seen = Seen(np.array([True] * 10 + [False] * 10), np.array([0.95] * 10 + [0.85] * 10))
    assert choose(seen) == 0.86


def test_figures_are_of_the_other_half_and_numeric_twins_are_no_hits() -> None:
    same = [Pair("how do I bake bread", "How can I bake a bread?", 1)] * 10
    other = [Pair("what is 2 plus 2", "what is 2 plus 3", 0)] * 10
    pairs = [pair for both in zip(same, other, strict=True) for pair in both]
    figures = measure(pairs, by_letters, threshold=0.7)
    assert figures["hit_rate_of_same"] == 1.0
    assert figures["wrong_rate"] == 0.0
    assert figures["numeric_twins"]["hits"] == 0


def test_a_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json.gz"
    path.write_bytes(gzip.compress(json.dumps([{"a": 1}]).encode()))
    with pytest.raises(SetupError, match="expected a list of text_a"):
        load_pairs(path, sample=1.0, seed=0)


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="HEADWATER_DATA_DIR is not set")
def test_words_alone_tell_most_pairs_apart_that_differ() -> None:
    path = Path(str(DATA)) / "semantic-cache/question_pairs.json.gz"
    pairs = load_pairs(path, sample=0.2, seed=random.Random(5).randrange(99))
    differ = [pair for pair in pairs if pair.label == 0]
    alike = sum(difference(meaning(p.text_a), meaning(p.text_b)) is None for p in differ)
    assert alike / len(differ) < 0.02
