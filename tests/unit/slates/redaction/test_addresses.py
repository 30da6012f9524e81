"""Postal addresses go as a whole: the street, and the lines that follow it."""

import pytest

from slates.redaction.finding import find_personal


@pytest.mark.parametrize(
    "address",
    [
        "90 Whitchurch Road",
        "1600 Pennsylvania Avenue NW, Washington, DC 20500",
        "Nieuwe Baan 473",
        "Hauptstraße 12a, 10115 Berlin",
        "416 Kiannonkatu 98 Apt. 934 OULU NO",
        "27534 Þorsteinsgata 63\nMOSS\n, nan\n 51971",
        "P.O. Box 149",
        "PSC 6293, Box 8158\nAPO AP 04336",
        "the corner of Beiteveien 2 and Sieda Radial",
        "14 rue de la Paix",
    ],
)
def test_an_address_goes_whole(address: str) -> None:
    text = f"Please send it to {address}"
    gone = {at for span in find_personal(text) for at in range(span.start, span.end)}
    start = text.index(address)
    left = [c for at, c in enumerate(address, start) if c.isalnum() and at not in gone]
    assert left == []


@pytest.mark.parametrize(
    "text",
    [
        "12 Angry Men from 1957 is better than 7 short films",
        "a novel of 300 pages in 20 chapters",
        "I liked all 3 of them",
    ],
)
def test_numbers_in_sentences_are_no_addresses(text: str) -> None:
    assert [span for span in find_personal(text) if span.kind == "ADDRESS"] == []


def test_a_postal_code_goes_where_a_word_says_that_it_is_one() -> None:
    text = "my zip code is 94110, and I have 94110 points"
    (span,) = (span for span in find_personal(text) if span.kind == "POSTCODE")
    assert text[span.start : span.end] == "94110"
    assert span.start < 20
