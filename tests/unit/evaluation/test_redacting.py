"""Redaction on labelled sentences: the aims of the issue, on templates that rules were not from."""

import os
from pathlib import Path

import pytest

from evaluation.redacting import Piece, Sentence, load_sentences, measure
from streams.errors import SetupError

DATA = os.environ.get("HEADWATER_DATA_DIR")


def test_a_piece_of_which_a_letter_is_left_was_not_removed() -> None:
    text = "write to a@b.example or see Zblorg Qwyx"
    found = Sentence(text, (Piece("EMAIL_ADDRESS", "a@b.example", 9, 20),), 0)
    missed = Sentence(text, (Piece("EMAIL_ADDRESS", "to a@b.example", 6, 20),), 1)
    figures = measure([found, missed])
    assert figures["templates_of_rules"]["kinds"]["email"]["recall"] == 1.0
    assert figures["unseen_templates"]["kinds"]["email"]["recall"] == 0.0
    assert figures["kinds"]["email"]["recall"] == 0.5


def test_a_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('[{"text": "a"}]')
    with pytest.raises(SetupError, match="expected a list of full_text"):
        load_sentences(path)


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="HEADWATER_DATA_DIR is not set")
def test_the_aims_hold_on_templates_that_were_not_seen() -> None:
    figures = measure(load_sentences(Path(str(DATA)) / "pii/sentences.json"))
    unseen = figures["unseen_templates"]
    assert unseen["structured_recall"] >= 0.99
    assert unseen["kinds"]["person"]["recall"] >= 0.85
    assert unseen["kinds"]["address"]["recall"] >= 0.85
