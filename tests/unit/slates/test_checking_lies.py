"""A reason that says more or less than its evidence is found out."""

import pytest

from slates.checking import misread, unproven
from slates.config import DAY, Language, SlateConfig
from slates.reasons.grounds import Grounds
from slates.slate import Reason, SlateItem
from slates.testing import SmallKnowledge
from streams.profiles import Profile

NOW = 100.5 * DAY
CONFIG = SlateConfig(supporters=5)

LIES = [
    Reason("popular", "8 people have come to it so far", {"people": 7}),
    Reason("popular", "7 people have come to it so far, 8 of them", {"people": 7}),
    Reason("popular", "7² people have come to it so far", {"people": 7}),
    Reason("popular", "Many people have come to it so far", {"people": 7}),
    Reason("popular", "people have come to it so far", {"people": 7}),
    Reason("popular", "7 people have come to Emma so far", {"people": 7}),
    Reason("popular", "7 people have come to emma so far", {"people": 7}),
    Reason("popular", "7 people have come to “it” so far", {"people": 7}),
    Reason(
        "co-visit",
        "40 of the 31 people who came to “Dune” went on to this",
        {"titles": ["Dune"], "people": 31, "of": 40},
    ),
    Reason("similar", "Similar to “Emma”", {"titles": ["Dune"], "actions": ["like"]}),
    Reason("similar", "Similar to “Emma” and “Dune”", {"titles": ["Dune"], "actions": ["like"]}),
    Reason("similar", "Similar to Dune", {"titles": ["Dune"], "actions": ["like"]}),
    Reason("similar", "Similar to “Dune”", {"titles": ["Dune", "Emma"], "actions": ["like"]}),
    Reason(
        "similar",
        "Similar to “Dune”: both say “sea”",
        {"titles": ["Dune"], "actions": ["like"], "phrase": "war"},
    ),
    Reason(
        "similar", "Similar to “Dune”, which you liked", {"titles": ["Dune"], "actions": ["click"]}
    ),
    Reason(
        "similar", "Similar to “Dune”, which you bought", {"titles": ["Dune"], "actions": ["like"]}
    ),
    Reason("similar", "Similar to “Dune”, which you opened", {"titles": ["Dune"], "actions": [""]}),
    Reason(
        "attributes",
        "More of the genres “sea”, as in “Dune”",
        {"attribute": "subjects", "words": ["sea"], "titles": ["Dune"], "actions": [""]},
    ),
    Reason(
        "attributes",
        "More by “sea”, as in “Dune”",
        {"attribute": "subjects", "words": ["sea"], "titles": ["Dune"], "actions": [""]},
    ),
    Reason(
        "trending",
        "9 people came to it in the last 7 days: it is rising",
        {"people": 9, "days": 7},
    ),
    Reason(
        "trending",
        "9 people came to it in the last 7 days, 8 of them in the last 2: it is rising",
        {"people": 9, "days": 7, "lately": 8, "lately_days": 2, "pace": 1.9},
    ),
    Reason("new", "New: published a day ago", {"days": 0}),
    Reason("new", "New: published less than a day ago", {"days": 1}),
    Reason("explore", "Nobody has come to it yet", {"fewer_than": 5}),
    Reason("explore", "Few people know it yet", {"people": 0}),
    Reason(
        "repeat",
        "You come back to it about every day, last 3 days ago",
        {"times": 3, "interval_days": 2, "last_days": 3},
    ),
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.text)
def test_a_sentence_that_says_more_or_less_than_its_evidence_is_found_out(lie: Reason) -> None:
    assert list(misread(lie))


TRUTHS = [
    Reason("popular", "7 people have come to it so far", {"people": 7}),
    Reason("similar", "Similar to “1984”", {"titles": ["1984"], "actions": [""]}),
    Reason("new", "New: published a day ago", {"days": 1}),
    Reason(
        "repeat",
        "You come back to it about every day, last less than a day ago",
        {"times": 3, "interval_days": 1, "last_days": 0},
    ),
]

LIES_ABROAD: list[tuple[Language, Reason]] = [
    ("de", Reason("popular", "Bisher kamen 8 Leute hierher", {"people": 7})),
    ("de", Reason("popular", "Bisher kamen 7 Leute nicht hierher", {"people": 7})),
    ("de", Reason("new", "Neu: vor einem Tag erschienen", {"days": 0})),
    ("de", Reason("new", "Neu: vor weniger als einem Tag erschienen", {"days": 1})),
    ("de", Reason("explore", "Hier war noch niemand", {"fewer_than": 5})),
    ("de", Reason("explore", "Das kennen erst wenige", {"people": 0})),
    (
        "de",
        Reason(
            "similar",
            "Ähnlich wie „Dune“, das dir gefallen hat",
            {"titles": ["Dune"], "actions": ["click"]},
        ),
    ),
    (
        "de",
        Reason(
            "attributes",
            "Mehr von „sea“, wie „Dune“",
            {"attribute": "subjects", "words": ["sea"], "titles": ["Dune"], "actions": [""]},
        ),
    ),
    (
        "de",
        Reason(
            "trending",
            "9 Leute kamen in den letzten 7 Tagen, 8 davon in den letzten 2: Tendenz steigend",
            {"people": 9, "days": 7, "lately": 8, "lately_days": 2, "pace": 1.9},
        ),
    ),
    ("zh", Reason("popular", "至今有 8 人来过", {"people": 7})),
    ("zh", Reason("popular", "至今没有 7 人来过", {"people": 7})),
    ("zh", Reason("popular", "至今有七人来过", {"people": 7})),
    ("zh", Reason("new", "新品：一天前发布", {"days": 0})),
    ("zh", Reason("explore", "还没有人来过", {"fewer_than": 5})),
    ("zh", Reason("explore", "知道它的人还很少", {"people": 0})),
    (
        "zh",
        Reason(
            "co-visit",
            "来过“Dune”的 31 人中，有 40 人接着来到这里",
            {"titles": ["Dune"], "people": 31, "of": 40},
        ),
    ),
    (
        "zh",
        Reason("similar", "与您喜欢的“Dune”相似", {"titles": ["Dune"], "actions": ["purchase"]}),
    ),
    (
        "zh",
        Reason(
            "attributes",
            "同样出自“sea”，与“Dune”一样",
            {"attribute": "subjects", "words": ["sea"], "titles": ["Dune"], "actions": [""]},
        ),
    ),
]


@pytest.mark.parametrize(("language", "lie"), LIES_ABROAD, ids=lambda v: getattr(v, "text", v))
def test_lies_are_found_out_in_other_languages(language: Language, lie: Reason) -> None:
    assert list(misread(lie, language))


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.text)
def test_a_sentence_that_says_what_its_evidence_has_passes(truth: Reason) -> None:
    assert list(misread(truth)) == []


def test_an_item_without_a_reason_is_found_out() -> None:
    grounds = Grounds(Profile(), SmallKnowledge(), NOW, CONFIG)
    (found,) = unproven([SlateItem("dune", "Dune", 0, 0.0, {}, ())], grounds)
    assert (found.item_id, found.what) == ("dune", "no reason at all")
