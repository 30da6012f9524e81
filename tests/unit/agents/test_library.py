"""A title means an item of the whole catalogue: by name, then by vectors, never a sequel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from agents.catalogue import Catalogue
from agents.library import Library
from agents.wordbook import Wordbook
from indexes.exact import ExactIndex
from streams.items import ItemFacts
from streams.requests import Range
from streams.vectors import VectorRecord
from tests.support.drafts import draft

TITLES = {"m": "Matrix, The (1999)", "r": "Matrix Reloaded (2003)", "e": "Emma (1815)"}
SIDES = {"matrix": 0, "matryx": 0, "reloaded": 1, "emma": 2, "emmma": 2}


def encode(texts: Sequence[str]) -> np.ndarray:
    """A side for each word that is known; what is written almost alike is near."""
    rows = np.zeros((len(texts), 4), np.float32)
    for k, text in enumerate(texts):
        for word in text.lower().replace(",", " ").replace("(", " ").split():
            rows[k, SIDES.get(word, 3)] += 1.0 if word in SIDES else 0.01
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
async def library() -> Library:
    book = Wordbook()
    catalogue = Catalogue(ExactIndex(4), half_life=10.0, wordbook=book)
    for item_id, title in TITLES.items():
        facts = ItemFacts(title, attributes={"year": float(title[-5:-1])})
        vector = encode([title])[0]
        catalogue.index.upsert(item_id, vector)
        record = VectorRecord(
            fingerprint=b"f",
            content_hash=b"h",
            vector=vector.astype(np.float16),
            facts=facts,
            partition=0,
            offset=0,
            announced_at=0.0,
        )
        catalogue.announce(item_id, record)
    while await book.catch_up():
        pass
    return Library(catalogue, book, encode=encode)


async def test_a_title_is_found_by_name_and_year(library: Library) -> None:
    assert library.find("The Matrix") == "m"
    assert library.find("The Matryx (1999)") is None


async def test_what_is_written_otherwise_is_found_by_vectors(library: Library) -> None:
    wanted = ["The Matryx (1999)", "Emmma", "Never Made (2031)"]
    assert await library.near(wanted) == {"The Matryx (1999)": "m", "Emmma": "e"}


async def test_a_sequel_or_a_remake_is_never_found_by_vectors(library: Library) -> None:
    assert await library.near(["Matryx (2021)", "Matryx 2", "Matryx III (1999)"]) == {}


async def test_without_an_encoder_nothing_is_near(library: Library) -> None:
    library._encode = None
    assert await library.near(["Emmma"]) == {}


async def test_what_is_barred_gone_or_filtered_out_is_no_candidate(library: Library) -> None:
    assert library.candidate("gone", draft(5)) is None
    assert library.candidate("e", draft(5, barred=("e",))) is None
    late = draft(5, filters={"year": Range(min=1990.0)})
    assert library.candidate("e", late) is None
    found = library.candidate("m", late)
    assert found is not None
    assert (found.title, found.score) == ("Matrix, The (1999)", draft(5).candidates[-1].score)
    assert (found.people, found.attributes) == (0, {"year": 1999.0})
