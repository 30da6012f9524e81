"""Of the records of a key the newest that can be used counts, and every other is named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.decoding import read_rankers, read_trends, read_vectors
from streams.errors import EncoderMismatch, MalformedVector
from streams.items import ItemFacts
from streams.kafka import Record
from streams.rankers import Ranker, encode_ranker
from streams.trends import Trend, encode_trend
from streams.vectors import VectorRecord, encode_vector
from tests.support.laws import law

LAW = law(100)
DIM = 4
OURS, OTHERS = b"our-ours", b"not-ours"


class Refused:
    """Those that could not be used, and why."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.errors: list[Exception] = []

    def __call__(self, record: Record, error: Exception) -> None:
        self.offsets.append(record.offset)
        self.errors.append(error)


def vector(
    title: str = "One", *, fingerprint: bytes = OURS, fill: float = 1.0, dim: int = DIM
) -> bytes:
    row = np.full(dim, fill, np.float16)
    return encode_vector(VectorRecord(fingerprint, b"0" * 16, row, ItemFacts(title), 0, 0, 0.0))


def records(*pairs: tuple[bytes | None, bytes | None]) -> list[Record]:
    return [Record("item-vectors", 0, n, key, value, 0.0) for n, (key, value) in enumerate(pairs)]


BROKEN = {
    "NaN": (vector(fill=np.nan), MalformedVector),
    "infinity": (vector(fill=np.inf), MalformedVector),
    "all zero": (vector(fill=0.0), MalformedVector),
    "too short": (vector(dim=DIM - 1), MalformedVector),
    "too long": (vector(dim=DIM + 1), MalformedVector),
    "another encoder": (vector(fingerprint=OTHERS), EncoderMismatch),
    "empty": (b"", MalformedVector),
    "cut": (vector()[:-3], MalformedVector),
    "another version": (b"\x02" + vector()[1:], MalformedVector),
    "nested deeply": (vector()[:-1] + b',"x":' + b"[" * 9000, MalformedVector),
}


@pytest.mark.parametrize(("value", "error"), BROKEN.values(), ids=BROKEN.keys())
def test_a_vector_that_cannot_be_used_is_refused_and_its_item_stays_as_it_was(
    value: bytes, error: type[Exception]
) -> None:
    refused = Refused()
    changes = read_vectors(records((b"dune", value)), dim=DIM, fingerprint=OURS, refuse=refused)
    assert (changes.vectors, changes.gone) == ({}, [])
    assert [type(found) for found in refused.errors] == [error]
    assert "dune" in str(refused.errors[0])


@pytest.mark.parametrize("value", [bad for bad, _ in BROKEN.values()], ids=BROKEN.keys())
def test_a_good_vector_is_not_undone_by_a_broken_one_after_it(value: bytes) -> None:
    refused = Refused()
    batch = records((b"dune", vector("Good")), (b"dune", value))
    changes = read_vectors(batch, dim=DIM, fingerprint=OURS, refuse=refused)
    assert changes.vectors["dune"].facts.title == "Good"
    assert refused.offsets == [1]


def test_a_removal_is_not_undone_by_a_broken_vector_after_it() -> None:
    batch = records((b"dune", None), (b"dune", b"broken"))
    changes = read_vectors(batch, dim=DIM, fingerprint=OURS, refuse=Refused())
    assert (changes.vectors, changes.gone) == ({}, ["dune"])


def test_an_item_that_came_back_is_not_gone() -> None:
    batch = records((b"dune", vector("One")), (b"dune", None), (b"dune", vector("Two")))
    changes = read_vectors(batch, dim=DIM, fingerprint=OURS, refuse=Refused())
    assert (changes.vectors["dune"].facts.title, changes.gone) == ("Two", [])


def test_records_without_a_key_change_nothing() -> None:
    refused = Refused()
    changes = read_vectors(records((None, vector())), dim=DIM, fingerprint=OURS, refuse=refused)
    assert (changes.vectors, changes.gone, refused.offsets) == ({}, [], [])


@LAW
@given(
    history=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["one", "two", "gone", "broken"]))
    ),
    cut=st.integers(0, 10),
)
def test_however_a_history_is_cut_into_batches_the_newest_usable_record_counts(
    history: list[tuple[str, str]], cut: int
) -> None:
    values = {"one": vector("one"), "two": vector("two"), "gone": None, "broken": b"broken"}
    batch = records(*((key.encode(), values[kind]) for key, kind in history))
    live: dict[str, str] = {}
    for part in (batch[:cut], batch[cut:]):
        changes = read_vectors(part, dim=DIM, fingerprint=OURS, refuse=Refused())
        assert set(changes.vectors).isdisjoint(changes.gone)
        live = {key: title for key, title in live.items() if key not in changes.gone}
        live |= {key: record.facts.title for key, record in changes.vectors.items()}
    usable = {key: kind for key, kind in history if kind != "broken"}
    assert live == {key: kind for key, kind in usable.items() if kind != "gone"}


def test_of_the_trends_of_an_item_the_newest_usable_one_counts() -> None:
    refused = Refused()
    batch = records(
        (b"dune", encode_trend(Trend(popularity=1.0))),
        (b"dune", encode_trend(Trend(popularity=2.0))),
        (b"dune", b"{"),
        (b"emma", None),
        (None, b"{}"),
    )
    found = read_trends(batch, refuse=refused)
    assert found == {"dune": Trend(popularity=2.0), "emma": None}
    assert refused.offsets == [2]


def test_a_trend_that_is_recognised_is_not_decoded() -> None:
    known = Trend(popularity=3.0)
    batch = records((b"dune", b"{"), (b"emma", encode_trend(Trend(popularity=1.0))))
    found = read_trends(
        batch,
        refuse=Refused(),
        recognise=lambda item_id, value: known if (item_id, value) == ("dune", b"{") else None,
    )
    assert found == {"dune": known, "emma": Trend(popularity=1.0)}


@pytest.mark.parametrize(
    "value", [b"", b"\xff", b"[]", b'{"popularity":"high"}', b'{"x":' + b"[" * 9000]
)
def test_what_is_no_trend_is_refused(value: bytes) -> None:
    refused = Refused()
    assert read_trends(records((b"dune", value)), refuse=refused) == {}
    assert refused.offsets == [0]


def test_of_the_rankers_of_a_strategy_the_newest_usable_one_counts() -> None:
    refused = Refused()
    batch = records(
        (b"hybrid", encode_ranker(Ranker(lessons=1))),
        (b"hybrid", encode_ranker(Ranker(lessons=2))),
        (b"hybrid", b"{"),
        (b"other", None),
        (None, b"{}"),
    )
    found = read_rankers(batch, refuse=refused)
    assert found == {"hybrid": Ranker(lessons=2), "other": None}
    assert refused.offsets == [2]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"weights":{"close":"much"}}',
        b'{"version":99}',
        b'{"x":' + b"[" * 9000,
    ],
)
def test_what_is_no_ranker_is_refused(value: bytes) -> None:
    refused = Refused()
    assert read_rankers(records((b"hybrid", value)), refuse=refused) == {}
    assert refused.offsets == [0]
