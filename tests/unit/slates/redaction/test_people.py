"""Names of people go; words, places that everybody knows, and days stay."""

import pytest

from slates.redaction.finding import find_personal


def gone(text: str) -> str:
    """What is left, with a bar where something was."""
    left, end = [], 0
    for span in find_personal(text):
        left += [text[end : span.start], "|"]
        end = span.end
    return "".join([*left, text[end:]])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My name is Rubija and I like it", "My name is | and I like it"),
        ("My name is Nguyễn Văn An and I read", "My name is | and I read"),
        ("my name is Anna May Wong. Thanks", "my name is |. Thanks"),
        ("Ask Mrs. Young about it", "Ask Mrs. | about it"),
        ("have you heard Laura Carvalho speak", "have you heard | speak"),
        ("Grace Young wrote it", "| wrote it"),
        ("follow up with patricia desrosiers soon", "follow up with | soon"),
        ("It was Ludwig van der Brugge who said so", "It was | who said so"),
        ("Krisztián's list is short", "|'s list is short"),
        ("ich heiße Jürgen und mag Filme", "ich heiße | und mag Filme"),
        ("我叫王小明。", "我叫|。"),
    ],
)
def test_names_go(text: str, left: str) -> None:
    assert gone(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "Capitalized words like Wisdom and Discipline are often mistaken with names.",
        "Action & Adventure, Animation, Comedy, Kids & Family",
        "I would like a long novel about the sea, set in Norway, for Sunday.",
        "WHAT ??? I DON'T KNOW WHAT TO PRESS NEXT!!!",
        "Rank the candidates. Reply with JSON only.",
        "Ein Film über die Freundschaft und das Meer, nicht mit Gewalt",
    ],
)
def test_words_stay(text: str) -> None:
    assert gone(text) == text


def test_a_family_name_goes_where_the_full_name_was_seen() -> None:
    assert gone("Adam Becker came. Later Becker left.") == "| came. Later | left."
