"""The reference pages are what the code says, and their examples are good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from agents.metrics import Metrics
from agents.settings import Settings
from docs_reference.__main__ import FOLDER, generated
from docs_reference.events import EXAMPLES, page
from docs_reference.settings import numbers
from docs_reference.units import UNITS
from streams import topics
from streams.events import Event, decode_event
from streams.items import Item, decode_item
from streams.requests import SlateRequest, decode_request

PAGES = generated()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_page_is_what_the_code_says(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], "run `python -m docs_reference`"


def test_there_is_no_other_page() -> None:
    assert set(FOLDER.glob("*")) == set(PAGES)


def _event(example: Any) -> Event:
    return decode_event(
        example["user_id"].encode(),
        msgspec.json.encode(example),
        gains=Settings().gains(),
        received_at=1.9e9,
        max_ahead=0.0,
    )


DECODERS: dict[type, Callable[[Any], object]] = {
    Item: lambda e: decode_item(b"dune", msgspec.json.encode(e))[1],
    SlateRequest: lambda e: decode_request(
        e["user_id"].encode(), msgspec.json.encode(e), origin="slate-requests-0-0", received_at=0.0
    ),
    **dict.fromkeys(get_args(Event), _event),
}


@pytest.mark.parametrize("struct", EXAMPLES, ids=lambda struct: struct.__name__)
def test_every_example_is_decoded_and_says_all_that_it_seems_to(struct: type) -> None:
    for example in EXAMPLES[struct]:
        found = DECODERS[struct](example)
        assert isinstance(found, struct)
        assert example.keys() - {"kind"} <= set(found.__struct_fields__)  # type: ignore[attr-defined]


def test_every_event_and_every_record_that_one_writes_has_an_example() -> None:
    assert EXAMPLES.keys() == {*get_args(Event), Item, SlateRequest}


def test_every_kind_of_record_that_is_named_is_described() -> None:
    text = page()
    for line in text.splitlines():
        for part in line.split("](#")[1:]:
            anchor = part.partition(")")[0]
            assert f"### {anchor}\n" in text.lower()


def test_every_setting_that_is_a_number_has_a_unit_and_no_other_has() -> None:
    assert {name for name in UNITS if name.isupper()} == set(numbers())


def test_every_topic_and_every_metric_is_named() -> None:
    named = PAGES[FOLDER / "topics.md"]
    assert all(f"| `{topic.name}` |" in named for topic in topics.ALL)
    families = [f.name for f in Metrics().registry.collect() if f.name.startswith("headwater_")]
    assert len(families) > 40
    assert all(f"| `{name}" in PAGES[FOLDER / "metrics.md"] for name in families)
