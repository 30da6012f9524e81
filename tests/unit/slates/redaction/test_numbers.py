"""Numbers and addresses of machines: what is personal goes, what is a date or a price stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from slates.redaction.numbers import find_numbers


def found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_numbers(text)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("write to ann.lee+x@mail.example.org now", "EMAIL", "ann.lee+x@mail.example.org"),
        ("card 4111 1111 1111 1111, please", "CARD", "4111 1111 1111 1111"),
        ("amex 378282246310005", "CARD", "378282246310005"),
        ("card4111111111111111", "CARD", "4111111111111111"),
        ("4111.1111.1111.1111", "CARD", "4111.1111.1111.1111"),
        ("卡号４１１１１１１１１１１１１１１１。", "CARD", "４１１１１１１１１１１１１１１１"),
        ("电话１３８００１３８０００", "PHONE", "１３８００１３８０００"),
        ("ann＠mail.example.org", "EMAIL", "ann＠mail.example.org"),
        ("bob (at) example dot com, please", "EMAIL", "bob (at) example dot com"),
        ("bob.lee[at]mail[dot]example.org", "EMAIL", "bob.lee[at]mail[dot]example.org"),
        ("IBAN DE89 3704 0044 0532 0130 00 is mine", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("gb82west12345698765432", "IBAN", "gb82west12345698765432"),
        ("it is 078-05-1120", "SSN", "078-05-1120"),
        ("my social security number: 078051120", "SSN", "078051120"),
        ("from 192.168.7.20 it came", "IP", "192.168.7.20"),
        ("host 2001:db8::8a2e:370:7334 answers", "IP", "2001:db8::8a2e:370:7334"),
        ("call +49 30 901820", "PHONE", "+49 30 901820"),
        ("(602)272-9781 is the office", "PHONE", "(602)272-9781"),
        ("ring me: 4155550132", "PHONE", "4155550132"),
        ("03.93.92.16.85", "PHONE", "03.93.92.16.85"),
        ("345-899-3560x4587", "PHONE", "345-899-3560x4587"),
        ("我的电话13800138000", "PHONE", "13800138000"),
        ("my passport is C01X00T47", "ID", "C01X00T47"),
    ],
)
def test_personal_numbers_are_found_whole(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "on 2003-08-28 12:13:52",
        "28.08.2003 and 6/24/1991",
        "seasons 1999-2003",
        "1,234,567 views, 12.345.678 more",
        "scores 0.8731 0.7712 0.6601",
        "[3] > [1] > [12] > [7]",
        '{"ids": [101, 102, 1034567, 99], "at": 1480000000}',
        "ISBN 978-3-16-148410-0",
        "in milliseconds 1764496920000",
        "version 12.0.1",
        "10 out of 10, 8.5/10, 90 minutes, 2001: A Space Odyssey",
        "std::sort and a::b",
    ],
)
def test_dates_prices_scores_and_counters_stay(text: str) -> None:
    assert found(text) == []


def test_a_card_with_a_wrong_digit_is_no_card() -> None:
    assert "CARD" not in {kind for kind, _ in found("4111 1111 1111 1112")}


def test_an_iban_with_a_wrong_digit_is_one_only_where_a_word_says_so() -> None:
    assert found("GB82WEST12345698765433") == []
    assert [kind for kind, _ in found("IBAN: GB82WEST12345698765433")] == ["IBAN"]


@given(st.from_regex(r"[45][0-9]{14}", fullmatch=True), st.sampled_from(["", " ", "-"]))
def test_every_number_that_passes_luhn_goes(stem: str, between: str) -> None:
    digits = stem + luhn.calc_check_digit(stem)
    shown = between.join(digits[at : at + 4] for at in range(0, 16, 4))
    assert found(f"pay with {shown} today") == [("CARD", shown)]


@given(st.ip_addresses())
def test_every_address_of_a_machine_goes(address: object) -> None:
    text = str(address)
    if any(c.isdigit() for c in text):
        assert ("IP", text) in found(f"from {text} it came")
