"""Why an item is on a slate or not: the rule that decided, with its numbers."""

import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from agents.case import Case, case_object, open_case
from agents.case_screen import draw_case
from agents.catalogue import Catalogue
from agents.decoding import read_trends, read_vectors
from agents.lookup import ItemRecords, UserFacts
from agents.tracing import Verdict
from indexes.exact import ExactIndex
from slates.config import SlateConfig
from slates.slate import Reason, Slate, SlateItem, Timings, Versions
from streams.items import ItemFacts
from streams.kafka import Record
from streams.profiles import Entry, Profile
from streams.requests import SlateRequest, Trigger
from streams.trends import Trend, encode_trend
from streams.vectors import VectorRecord, encode_vector

DIM = 8
NOW = 1_000_000.0
ENCODER = b"12345678"
NOTHING = ItemRecords(None, None)
CONFIG = SlateConfig(size=2, retrieve=3, last_items=0, diversity=0.0, explore_share=0.0)


def vector_record(vector: list[float], *, fingerprint: bytes = ENCODER) -> VectorRecord:
    row = np.zeros(DIM, "f2")
    row[: len(vector)] = vector
    return VectorRecord(fingerprint, b"0" * 16, row, ItemFacts("A [b]title"), 0, 0, 0.0)


def catalogue_of(vectors: dict[str, list[float]]) -> Catalogue:
    catalogue = Catalogue(ExactIndex(DIM), half_life=1000.0)
    for item_id, vector in vectors.items():
        record = vector_record(vector)
        catalogue.index.upsert(item_id, record.vector)
        catalogue.announce(item_id, record)
    return catalogue


# The likeness to `liked`, which the user clicked, falls from `a` to `f`.
ITEMS = {
    "liked": [1.0],
    **{name: [1.0, 0.1 * (i + 1)] for i, name in enumerate("abcdef")},
}
CLICKED = Profile(history=(Entry(NOW - 60, "liked", "click", 1.0),), seen=("liked", "long-ago"))


def case_of(
    item_id: str,
    *,
    config: SlateConfig = CONFIG,
    request: SlateRequest | None = None,
    vectors: dict[str, list[float]] | None = None,
    records: ItemRecords = NOTHING,
) -> Case:
    asked = request or SlateRequest(user_id="ann")
    user = UserFacts("ann", None, asked, None, CLICKED, forgotten=False)
    catalogue = catalogue_of(vectors or {**ITEMS, "long-ago": [0.0, 0.0, 1.0]})
    return open_case(
        user,
        catalogue,
        strategies={"hybrid": config},
        strategy="hybrid",
        now=NOW,
        item=(item_id, records),
    )


def verdict_on(item_id: str, **others: object) -> Verdict:
    verdict = case_of(item_id, **others).verdict  # type: ignore[arg-type]
    assert verdict is not None
    return verdict


# -- the verdict -----------------------------------------------------------------------


def test_an_item_on_the_slate_says_where() -> None:
    verdict = verdict_on("a")
    assert (verdict.kind, verdict.facts["place"]) == ("shown", 1)


def test_an_item_that_was_acted_on_says_when_and_how() -> None:
    verdict = verdict_on("liked")
    assert verdict.kind == "seen"
    assert (verdict.facts["action"], verdict.facts["at"]) == ("click", NOW - 60)


def test_an_item_seen_before_the_history_begins_is_still_seen() -> None:
    assert verdict_on("long-ago").kind == "seen"


def test_an_excluded_item_says_so() -> None:
    request = SlateRequest(user_id="ann", exclude=("a",))
    assert verdict_on("a", request=request).kind == "excluded"


def test_an_item_without_the_attributes_asked_for_says_so() -> None:
    request = SlateRequest(user_id="ann", filters={"subjects": "sea"})
    assert verdict_on("a", request=request).kind == "filtered"


def test_an_item_ranked_too_low_is_compared_with_the_lowest_on_the_slate() -> None:
    verdict = verdict_on("c", config=CONFIG.model_copy(update={"retrieve": 6}))
    assert (verdict.kind, verdict.facts["rank"]) == ("outranked", 3)
    assert verdict.facts["score"] < verdict.facts["lowest_on_slate"]


def test_an_item_no_source_found_is_compared_with_the_last_that_was_found() -> None:
    vectors = {"liked": [1.0], **{f"n{i}": [1.0, 0.01 * i] for i in range(40)}, "far": [0.0, 1.0]}
    verdict = verdict_on("far", vectors=vectors)
    recent = verdict.facts["tastes"]["recent"]
    assert verdict.kind == "not-found"
    assert recent["similarity"] == pytest.approx(0.0, abs=0.01)
    assert recent["weakest"] > 0.9
    assert verdict.facts["popularity_place"] > verdict.facts["popularity_places"]


def test_an_item_too_much_like_another_names_it() -> None:
    alike = {"liked": [1.0], "a": [1.0, 0.3], "twin": [1.0, 0.31], "other": [1.0, -0.4]}
    vectors = {**alike, "far": [0.0, 1.0]}  # beside which the others score nearly the same
    config = CONFIG.model_copy(update={"diversity": 0.5, "retrieve": 10})
    verdict = verdict_on("twin", vectors=vectors, config=config)
    assert (verdict.kind, verdict.facts["like"]) == ("diversity", "a")


def test_an_item_nobody_announced_is_unknown() -> None:
    assert "Nobody has announced it" in verdict_on("ghost").text


def announced(value: bytes | None, *, at: float = 1.0) -> Record:
    return Record("items", 0, 0, b"ghost", value, at)


REFUSED = Record("dead-letters", 0, 0, b"ghost", b"{", 2.0, (("message", b"no title"),))


@pytest.mark.parametrize(
    ("records", "text"),
    [
        (ItemRecords(announced(b"{}"), None), "has no vector yet"),
        (ItemRecords(announced(None), None), "taken out of the catalogue"),
        (ItemRecords(announced(b"{"), REFUSED), "It was refused: no title"),
        (ItemRecords(announced(b"{}", at=9.0), REFUSED), "has no vector yet"),
    ],
)
def test_of_an_item_without_a_vector_the_log_says_why(records: ItemRecords, text: str) -> None:
    assert text in verdict_on("ghost", records=records).text


# -- the case --------------------------------------------------------------------------


def test_the_place_of_the_unknown_is_told_from_one_moved_by_diversity() -> None:
    config = CONFIG.model_copy(update={"retrieve": 10, "explore_share": 0.5})
    catalogue = catalogue_of(ITEMS)
    fresh = ItemFacts("New", published_at=NOW - 10)
    record = vector_record([0.0, 0.0, 1.0])
    catalogue.index.upsert("new", record.vector)
    catalogue.announce("new", VectorRecord(ENCODER, b"", record.vector, fresh, 0, 0, 0.0))
    user = UserFacts("ann", None, SlateRequest(user_id="ann"), None, CLICKED, forgotten=False)
    strategies = {"hybrid": config}
    case = open_case(user, catalogue, strategies=strategies, strategy="hybrid", now=NOW)
    standing = case.standing
    assert standing.place == {"a": 0, "new": 1}
    moved, pushed_out = standing.move("new"), standing.move("b")
    assert moved is not None
    assert moved.cause == "exploration"
    assert pushed_out is not None
    assert (pushed_out.cause, pushed_out.place) == ("exploration", None)
    assert standing.move("a") is None


def test_the_json_object_has_slate_profile_candidates_and_verdict() -> None:
    found = json.loads(json.dumps(case_object(case_of("c"), n=1)))
    assert [item["item_id"] for item in found["built"]["items"]] == ["a", "b"]
    assert [row["item_id"] for row in found["built"]["candidates"]] == ["a", "b"]
    assert found["profile"]["history"][0]["age_seconds"] == 60.0
    assert found["item"]["kind"] == "outranked"


@pytest.mark.parametrize("item_id", ["a", "c", "f", "liked", "ghost"])
def test_every_verdict_can_be_drawn_and_titles_are_no_markup(item_id: str) -> None:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(draw_case(case_of(item_id), n=10))
    text = console.export_text()
    assert "A [b]title" in text
    console.file.close()


def test_the_slate_that_was_sent_is_drawn_with_why_each_item_was_on_it() -> None:
    case = case_of("c")
    reason = Reason("popular", "9 people have come to it so far", {"people": 9})
    sent = Slate(
        slate_id="slate-events-0-7",
        user_id="ann",
        revision=1,
        strategy="hybrid",
        scenario="feed",
        trigger=Trigger("events-0-7", "click", NOW, NOW),
        items=(SlateItem("ghost", "A ghost", 0, 1.0, {}, (reason,)),),
        ranked_by="engine",
        degraded=(),
        versions=Versions(),
        timings=Timings(),
        produced_at=NOW,
    )
    case = replace(case, user=replace(case.user, slate=sent))
    console = Console(width=160, record=True, file=StringIO())
    console.print(draw_case(case, n=10))
    first, _, _ = console.export_text().partition("what is known of the user")
    assert "A ghost  9 people have come to it so far" in first


# -- what is read from the log ---------------------------------------------------------


def test_of_records_with_one_key_the_newest_counts() -> None:
    def record(offset: int, value: bytes | None, key: bytes = b"emma") -> Record:
        return Record("item-vectors", 0, offset, key, value, 0.0)

    full = encode_vector(vector_record([1.0]))
    changes = read_vectors(
        [record(0, full), record(1, None), record(2, full, b"dune")],
        dim=DIM,
        fingerprint=ENCODER,
        refuse=lambda record, error: None,
    )
    assert (list(changes.vectors), changes.gone) == (["dune"], ["emma"])


def test_vectors_of_another_encoder_are_refused() -> None:
    refused: list[str] = []
    value = encode_vector(vector_record([1.0], fingerprint=b"another!"))
    changes = read_vectors(
        [Record("item-vectors", 0, 0, b"emma", value, 0.0)],
        dim=DIM,
        fingerprint=ENCODER,
        refuse=lambda record, error: refused.append(str(error)),
    )
    assert changes.vectors == {}
    assert "made by encoder" in refused[0]


def test_a_trend_that_cannot_be_read_leaves_the_others() -> None:
    refused: list[Record] = []
    good = Record("item-trends", 0, 0, b"emma", encode_trend(Trend(supporters=3)), 0.0)
    bad = Record("item-trends", 0, 1, b"dune", b"{", 0.0)
    trends = read_trends([good, bad], refuse=lambda record, error: refused.append(record))
    assert trends == {"emma": Trend(supporters=3)}
    assert refused == [bad]
