"""A summary is made of sentences of the text, in their order, and never longer than asked for."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slates.summaries import AT_ONCE, sentences, summarise
from slates.tokens import estimate

TEXT = (
    "Ishmael goes to sea on a whaling ship. The weather was fine that day. Captain Ahab hunts "
    "the white whale that took his leg. Somebody ate soup. The whale sinks the ship, and only "
    "Ishmael lives. It was printed in London."
)


def by_whales(texts: Sequence[str]) -> np.ndarray:
    """Unit rows: one side for whales and ships, a side for each other sentence."""
    rows = np.zeros((len(texts), AT_ONCE + 1), dtype=np.float32)
    for at, text in enumerate(texts):
        rows[at, 0 if "whal" in text else at + 1] = 1.0
    return rows


def test_the_sentences_that_say_most_are_taken_in_their_order() -> None:
    assert summarise(TEXT, most=30, encode=by_whales) == (
        "Ishmael goes to sea on a whaling ship. "
        "Captain Ahab hunts the white whale that took his leg."
    )


def test_without_vectors_the_first_sentences_stand_for_the_text() -> None:
    assert summarise(TEXT, most=26) == (
        "Ishmael goes to sea on a whaling ship. The weather was fine that day."
    )


def test_a_short_text_is_its_own_summary() -> None:
    assert summarise(" A  film.\n", most=10) == "A film."


@given(st.text(max_size=400), st.integers(0, 60))
def test_no_summary_is_longer_than_asked_for(text: str, most: int) -> None:
    assert estimate(summarise(text, most=most)) <= most


@given(st.lists(st.sampled_from(sentences(TEXT)), min_size=2, max_size=12), st.integers(15, 60))
def test_every_sentence_of_a_summary_is_one_of_the_text(parts: list[str], most: int) -> None:
    summary = summarise(" ".join(parts), most=most, encode=by_whales)
    assert set(sentences(summary)) <= set(parts)


def test_the_encoder_is_asked_for_a_few_sentences_at_a_time() -> None:
    asked: list[int] = []

    def counting(texts: Sequence[str]) -> np.ndarray:
        asked.append(len(texts))
        return np.eye(len(texts), 40, dtype=np.float32)

    assert summarise(" ".join([TEXT] * 4), most=30, encode=counting)
    assert sum(asked) == 24
    assert max(asked) == AT_ONCE
