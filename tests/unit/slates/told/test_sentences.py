"""Proven sentences take the place of what they tell, and can be proven again from the slate."""

from typing import Any

import msgspec
import pytest

from slates.checking import unproven
from slates.config import SlateConfig
from slates.reasons.grounds import Grounds
from slates.reasons.sentences import say
from slates.slate import Kind, Reason, SlateItem
from slates.testing import SmallKnowledge
from slates.told.replies import read_sentences
from slates.told.sentences import MOST, Sentence, Told, tell
from slates.told.tongues import load_tongue
from streams.items import ItemFacts
from streams.profiles import Profile
from streams.trends import Trend

ENGLISH = load_tongue("en")
NOW = 100.0


def reason(kind: Kind, **evidence: Any) -> Reason:
    return Reason(kind, say(kind, evidence), evidence)


POPULAR = reason("popular", people=7)
NEW = reason("new", published_at=NOW, days=0)
REASONS = (POPULAR, NEW)


def told(*sentences: Sentence) -> Told:
    return tell(sentences, REASONS, title="Emma", tongue=ENGLISH)


def test_one_sentence_may_tell_several_reasons() -> None:
    found = told(Sentence("It is new, and 7 people came to this so far.", (0, 1)))
    assert [one.kind for one in found.reasons] == ["told"]
    assert [one["kind"] for one in found.reasons[0].evidence["reasons"]] == ["popular", "new"]


def test_what_is_cited_and_not_said_keeps_its_template() -> None:
    found = told(Sentence("You may enjoy this: 7 people came to it so far.", (0, 1)))
    assert [one.kind for one in found.reasons] == ["told", "new"]


def test_what_was_told_is_not_told_again() -> None:
    found = told(Sentence("7 people came to it.", (0,)), Sentence("7 people came to this.", (0,)))
    assert (found.proven, found.faults) == (1, ("it says again what was said",))


def test_a_sentence_that_cites_nothing_is_none() -> None:
    found = told(Sentence("7 people came to it.", ()), Sentence("7 people came to it.", (9,)))
    assert (found.reasons, found.proven) == (REASONS, 0)


def test_there_are_never_more_reasons_than_anybody_reads() -> None:
    many = tuple(reason("popular", people=n) for n in range(5, 10))
    assert len(tell([], many, title="Emma", tongue=ENGLISH).reasons) == MOST


# -- proven again


@pytest.fixture
def grounds() -> Grounds:
    knowledge = SmallKnowledge()
    knowledge.announce("emma", [1, 0], ItemFacts("Emma", published_at=NOW))
    knowledge.follow("emma", Trend(supporters=7))
    return Grounds(Profile(), knowledge, NOW, SlateConfig())


TOLD = Reason(
    "told",
    "“Emma”: it is new, and 7 people came to it so far.",
    {
        "reasons": [
            {"kind": "popular", "evidence": POPULAR.evidence},
            {"kind": "new", "evidence": NEW.evidence},
        ],
        "language": "en",
        "title": "Emma",
    },
)


def faults(one: Reason, grounds: Grounds) -> list[str]:
    item = SlateItem("emma", "Emma", 0, 1.0, {}, (one,))
    back = msgspec.json.decode(msgspec.json.encode(item), type=SlateItem)
    return [found.what for found in unproven([back], grounds)]


def test_a_told_reason_is_proven_from_the_slate_alone(grounds: Grounds) -> None:
    assert faults(TOLD, grounds) == []


def with_evidence(**changes: Any) -> Reason:
    return msgspec.structs.replace(TOLD, evidence={**TOLD.evidence, **changes})


LIES = {
    "sentence": msgspec.structs.replace(TOLD, text="8 people came to it so far."),
    "evidence": with_evidence(
        reasons=[{"kind": "popular", "evidence": {"people": 8}}, TOLD.evidence["reasons"][1]]
    ),
    "both": msgspec.structs.replace(
        with_evidence(reasons=[{"kind": "popular", "evidence": {"people": 8}}]),
        text="8 people came to it so far.",
    ),
    "title": with_evidence(title="Dune"),
    "language": with_evidence(language="fr"),
    "nothing": with_evidence(reasons=[]),
    "itself": with_evidence(reasons=[{"kind": "told", "evidence": TOLD.evidence}]),
    "shape": with_evidence(reasons=[{"kind": "popular"}]),
    "trusted text": msgspec.structs.replace(
        with_evidence(reasons=[{"kind": "profile", "evidence": {"text": "the best"}}]),
        text="The best.",
    ),
    "field": with_evidence(more=1),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_told_reason_that_is_not_so_is_found_out(lie: Reason, grounds: Grounds) -> None:
    assert faults(lie, grounds)


# -- replies


@pytest.mark.parametrize(
    "reply",
    [
        '{"sentences": [{"cites": [1], "text": "A."}]}',
        'Here: ```json\n[{"text": "A.", "evidence": [1]}]\n``` Enjoy!',
        '{"items": [{"item": 1, "sentences": [{"cites": [1], "text": "A."}]}]}',
        '{"sentences": [{"cites": [1], "text": "A."}, {"cites": [2',
        '{"sentences": [{"cites": [1, true, "2", null, 2.5], "text": "A."}, {"text": 3}, 7]}',
    ],
)
def test_sentences_are_found_whatever_is_around_them(reply: str) -> None:
    assert read_sentences(reply) == (Sentence("A.", (1,)),)


@pytest.mark.parametrize("reply", ["", "{}", "[" * 100_000, '{"a":' * 5_000, "\x00" * 1_000_000])
def test_a_reply_without_any_is_read_in_bounded_time(reply: str) -> None:
    assert read_sentences(reply) == ()
