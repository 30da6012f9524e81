"""
Personal data with a form of its own: addresses of mail and machines, numbers with a check digit.

A number is taken where its check digit is right, its form leaves no doubt, or a word before it
says what it is.  Dates, times, prices, ISBNs and plain counters stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import phonenumbers
from stdnum import iban as ibans
from stdnum import isbn, luhn

from slates.redaction.spans import Kind, Span, free_of

_EMAIL = re.compile(r"(?<![\w.+'%-])[\w.+'%-]+@[\w-]+(?:\.[\w-]+)+")
_SPELT = re.compile(
    r"(?<![\w.+'%-])[\w.+'%-]+ ?[\[(] ?(?:at|AT|@) ?[\])] ?[\w-]+"
    r"(?: ?[\[(]? ?(?:dot|DOT|\.) ?[\])]? ?[\w-]+)+"
)
"""An address of mail that is hidden from machines: `ann (at) example dot com`."""
_CARD = re.compile(
    r"(?<![\d.,-])(?:\d(?:[ -]?\d){11,18}|\d{4}(?:\.\d{4}){3})(?![\w-]|[.,]\d)", re.ASCII
)
_ISSUED = re.compile(r"[2-6]|1800|2131")
"""How numbers of cards begin (ISO/IEC 7812); 1 would be taken by times in milliseconds."""
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_LIKE_IBAN = re.compile(r"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z]{0,6}\d[A-Za-z0-9]*)*")
"""One with a wrong digit, without the words behind it."""
_SSN = re.compile(r"(?<![\w-])\d{3}([- ])\d{2}\1\d{4}(?![\w-])", re.ASCII)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)", re.ASCII)
_IPV6 = re.compile(
    r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\.\d{1,3}){3})?(?![\w:])"
)
_PHONE = re.compile(
    r"(?<![\w./-])(?<!\d,)(?:\+|00|\()?\d(?:[ \u00a0]?[().\-/\u2011]?[ \u00a0]?\(?\d){5,16}\)?"
    r"(?:\s?(?:x|ext\.?|extension)\s?\d{1,6})?(?![\w]|[.,/-]\d)",
    re.ASCII,
)
_DATE = re.compile(
    r"(?:1[6-9]|20|21)\d\d([-./ ])\d{1,2}\1\d{1,2}(?:[ T]?\d{1,2})?"
    r"|\d{1,2}([-./ ])\d{1,2}\2(?:\d\d|(?:1[6-9]|20|21)\d\d)"
    r"|(?:1[6-9]|20|21)\d\d ?[-/\u2013] ?(?:1[6-9]|20|21)\d\d(?: \d\d)?"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+")
_DECIMAL = re.compile(r"\d+\.\d+")
_SAYS_PHONE = re.compile(
    r"\b(?:phone|tele(?:phone|fon)?|tel|mobile?|cell(?:ular)?|fax|call(?: me| us)?|dial|ring|text"
    r"|whats ?app|sms|reach|contact|number|handy|telefonnummer|rufnummer|t\u00e9l|m\u00f3vil|numero"
    r"|\u7535\u8bdd|\u624b\u673a)\b|\u7535\u8bdd|\u624b\u673a",
    re.IGNORECASE,
)
_SAYS_SSN = re.compile(r"\b(?:ssn|social security|sozialversicherung)\w*", re.IGNORECASE)
_SAYS_IBAN = re.compile(r"\biban\b", re.IGNORECASE)
_SAYS_ID = re.compile(
    r"\b(?:licen[cs]e|passport|passeport|reisepass|identity card|id card|personalausweis"
    r"|national id|tax id|driver'?s id|dni|nif)\b[^\d\n]{0,25}?"
    r"(?P<id>(?=(?:[A-Z-]*\d){3})[A-Z0-9][A-Z0-9-]{4,20})(?![\w])",
    re.IGNORECASE,
)
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
"""Letters and digits in full width, as East Asian keyboards write them, to their narrow ones."""
_BEFORE = 40
"""Characters before a number in which a word may say what it is."""
_MANY_GROUPS = 6
"""More groups of digits are a table or a list, not a telephone number."""


def find_numbers(text: str) -> list[Span]:
    """All of them; where two kinds could be meant, the one with a check digit."""
    text = text.translate(_WIDE)  # a character for a character: places stay
    found: list[Span] = []
    for kind, find in _FINDERS:
        found += free_of((Span(a, b, kind) for a, b in find(text)), found)
    return found


def _emails(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for form in (_EMAIL, _SPELT) for match in form.finditer(text))


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """The longest beginning of a match that passes mod-97: a word may follow."""
    for match in _IBAN.finditer(text):
        start = match.start()
        ends = range(match.end(), start + 14, -1)
        whole = (end for end in ends if end == len(text) or not text[end].isalnum())
        valid = (end for end in whole if ibans.is_valid(text[start:end], check_country=False))
        if (end := next(valid, None)) is not None:
            yield start, end
        elif _says(_SAYS_IBAN, text, start):
            yield start, start + len(_LIKE_IBAN.match(match[0])[0])  # type: ignore[index]


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        digits = _digits(match[0])
        if _ISSUED.match(digits) and luhn.is_valid(digits) and not _is_isbn(digits):
            yield match.span()


def _ssns(text: str) -> Iterator[tuple[int, int]]:
    yield from (match.span() for match in _SSN.finditer(text))
    for match in re.finditer(r"(?<![\w.-])\d{9}(?![\w-]|\.\d)", text, re.ASCII):
        if _says(_SAYS_SSN, text, match.start()):
            yield match.span()


def _ips(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if any(c.isdigit() for c in match[0]) and _is_ip(match[0]):
                yield match.span()


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _ids(text: str) -> Iterator[tuple[int, int]]:
    return (match.span("id") for match in _SAYS_ID.finditer(text))


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for match in _PHONE.finditer(text):
        if _is_phone(match[0].strip(), said=_says(_SAYS_PHONE, text, match.start())):
            yield match.span()


def _is_phone(number: str, *, said: bool) -> bool:
    """
    Is it dialled?  Plain digits only where a word says so, or with a 0 or + before them.

    >>> [_is_phone(n, said=False) for n in ("0393 1144137", "345-899-3560x4587", "+4416096000")]
    [True, True, True]
    >>> [_is_phone(n, said=False) for n in ("2003-08-28", "1480000000", "12.345.678", "1999-2003")]
    [False, False, False, False]
    """
    digits = _digits(re.split(r"x|ext", number)[0])
    if number.startswith(("+", "00")):
        return _is_possible("+" + digits.removeprefix("00"))
    if _DATE.fullmatch(number) or _is_isbn(digits):
        return False
    groups = len(re.findall(r"\d+", number))
    if not 6 <= len(digits) <= 15 or groups > _MANY_GROUPS:
        return False
    if said and len(digits) >= 7:
        return True
    if groups == 1:
        return digits.startswith("0") and 9 <= len(digits) <= 12
    return len(digits) >= 7 and not _is_quantity(number)


def _is_quantity(number: str) -> bool:
    """Thousands with points, decimals, or single digits in a row."""
    if _THOUSANDS.fullmatch(number) or all(map(_DECIMAL.fullmatch, number.split())):
        return True
    single = [group for group in re.findall(r"\d+", number) if len(group) == 1]
    return len(single) > 1


def _is_possible(number: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def _is_isbn(digits: str) -> bool:
    return len(digits) in (10, 13) and digits.startswith(("978", "979")) and isbn.is_valid(digits)


def _says(what: re.Pattern[str], text: str, at: int) -> bool:
    return what.search(text, max(0, at - _BEFORE), at) is not None


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


_FINDERS: tuple[tuple[Kind, Callable[[str], Iterator[tuple[int, int]]]], ...] = (
    ("EMAIL", _emails),
    ("IBAN", _ibans),
    ("CARD", _cards),
    ("IP", _ips),
    ("SSN", _ssns),
    ("ID", _ids),
    ("PHONE", _phones),
)
