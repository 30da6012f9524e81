"""The checker lets every true reason pass, and no changed one, whatever titles strangers write."""

import random
import re
from typing import Any, TypeAlias

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from slates.checking import misread, unproven
from slates.config import DAY, Language, SlateConfig
from slates.explanations import explain
from slates.reasons.grounds import Grounds
from slates.slate import Reason, SlateItem
from slates.tastes import derive_tastes
from slates.testing import SmallKnowledge
from streams.items import AttributeValue, ItemFacts, clean_text
from streams.predecessors import Predecessors
from streams.profiles import Entry, Profile
from streams.trends import Trend
from tests.support.laws import law

LAW = law(200)

NOW = 100.5 * DAY
TODAY = 100
CONFIG = SlateConfig(supporters=5)

ITEMS = 8


# -- random worlds

HOSTILE = [
    "1984",
    "7 days",
    "31 of the 40 people who came to “Dune” went on to this",
    "Dune” and “Emma",
    "“",
    "”",
    "<b>{title}</b>",
    "%s {0} {}",
    "'); DROP TABLE items; --",
    "Nobody",
    "a day ago",
    "ＦＵＬＬ ７",
    "٣ ²",
    "İstanbul ı ß",
    "x" * 300,
    "long title " * 30,
    "rising, which you liked",
    ": both say “war”",
]

WORDS = ["sea", "war", "desert planet", "love story", "Jules Verne", *HOSTILE]

TITLES = st.text(min_size=1, max_size=30).map(clean_text).filter(bool)

NAMES = ["author", "subjects", "by", "liked", "people", "x7", "a day ago", "Genre"]

ACTIONS = [("click", 1.0), ("like", 2.0), ("purchase", 3.0), ("rating", -1.0), ("skip", -0.3)]

IDS = [f"i{n}" for n in range(ITEMS)]


def facts_from(drawn: random.Random, title: str) -> ItemFacts:
    def words() -> AttributeValue:
        few = drawn.choice([WORDS[:6], WORDS])
        several = tuple(drawn.sample(few, drawn.randrange(4)))
        values: list[AttributeValue] = [drawn.choice(few), several, 3.0]
        return drawn.choice(values)

    return ItemFacts(
        drawn.choice([title, " ".join(drawn.sample(WORDS, drawn.randrange(1, 4)))]),
        tags=tuple(drawn.sample(WORDS, drawn.randrange(3))),
        attributes={name: words() for name in [*NAMES[:2], *drawn.sample(NAMES, 2)]},
        published_at=drawn.choice([None, NOW - drawn.uniform(-1, 9) * DAY]),
    )


def trend_from(drawn: random.Random) -> Trend:
    before = tuple(drawn.sample(IDS, drawn.randrange(ITEMS)))
    weights = (1,) * len(before)
    return Trend(
        popularity=drawn.choice([0.0, 5e-324, 1e-9, 1e6, drawn.uniform(0, 50)]),
        surge=drawn.uniform(0, 50),
        at=NOW - drawn.uniform(-1, 9) * DAY,
        interactions=drawn.randrange(60),
        supporters=drawn.randrange(40),
        visitors=drawn.randrange(60),
        days={
            day: drawn.randrange(1, 9)
            for day in drawn.sample(range(TODAY - 9, TODAY + 2), drawn.randrange(7))
        },
        predecessors=Predecessors(
            before, tuple(drawn.randrange(13) for _ in before), weights, weights
        ),
    )


def profile_from(drawn: random.Random) -> Profile:
    """Somebody who came back to a few items now and then, or never did anything."""
    few = drawn.sample(IDS, drawn.randrange(1, ITEMS))
    acts = (
        Entry(NOW - drawn.randrange(60) / 2 * DAY, drawn.choice(few), *drawn.choice(ACTIONS))
        for _ in range(drawn.randrange(25))
    )
    return Profile(history=tuple(sorted(acts)))


World: TypeAlias = tuple[list[SlateItem], Grounds]


def world_from(seed: int, title: str, language: Language = "en") -> World:
    """Knowledge, a user and an explained slate of all items."""
    drawn, knowledge = random.Random(seed), SmallKnowledge()
    for item_id in IDS:
        vector = [drawn.gauss(0, 1) for _ in range(3)]
        knowledge.announce(item_id, vector, facts_from(drawn, title))
        knowledge.follow(item_id, trend_from(drawn))
    for n in range(ITEMS):  # or no word would be rare
        knowledge.announce(f"other-{n}", [0, 0, 1], ItemFacts("x"))
    about = drawn.choice([None, "i0"])
    config = CONFIG.model_copy(update={"language": language})
    grounds = Grounds(profile_from(drawn), knowledge, NOW, config, about)
    speaking = Profile(history=(Entry(NOW, about, "view", 1.0),)) if about else grounds.profile
    tastes = derive_tastes(speaking, knowledge.index, config)
    said = explain(IDS, knowledge.index.vectors(IDS), tastes, grounds)
    items = [
        SlateItem(item_id, "", rank, 0.0, {}, why)
        for rank, (item_id, why) in enumerate(zip(IDS, said, strict=True))
    ]
    return items, grounds


WORLDS = st.builds(world_from, st.integers(0, 2**32), TITLES)

LANGUAGES: list[Language] = ["en", "de", "zh"]

OTHER_WORLDS = st.builds(world_from, st.integers(0, 2**32), TITLES, st.sampled_from(LANGUAGES[1:]))


@LAW
@given(world=WORLDS)
def test_every_reason_of_every_slate_is_proven(world: World) -> None:
    items, grounds = world
    assert unproven(items, grounds) == []


@LAW
@given(world=WORLDS)
def test_a_slate_that_came_back_from_the_topic_is_proven_too(
    world: World,
) -> None:
    items, grounds = world
    back = msgspec.json.decode(msgspec.json.encode(items), type=list[SlateItem])
    assert unproven(back, grounds) == []


@LAW
@given(world=OTHER_WORLDS)
def test_every_reason_is_proven_in_other_languages(world: World) -> None:
    items, grounds = world
    assert unproven(items, grounds) == []


@LAW
@given(world=OTHER_WORLDS)
def test_a_sentence_is_read_in_its_own_language_only(world: World) -> None:
    items, grounds = world
    for item in items:
        for reason in item.reasons:
            others = [one for one in LANGUAGES if one != grounds.config.language]
            assert all(list(misread(reason, other)) for other in others)


@LAW
@given(world=OTHER_WORLDS, data=st.data())
def test_a_sentence_of_other_evidence_is_found_out_in_other_languages(
    world: World, data: st.DataObject
) -> None:
    items, grounds = world
    reasons = [r for item in items for r in item.reasons]
    one, other = data.draw(st.sampled_from(reasons)), data.draw(st.sampled_from(reasons))
    assume(one.text != other.text)
    lie = msgspec.structs.replace(one, text=other.text)
    assert list(misread(lie, grounds.config.language))


# -- mutants


@LAW
@given(world=WORLDS, data=st.data())
def test_a_sentence_with_another_number_is_found_out(world: World, data: st.DataObject) -> None:
    items, grounds = world
    spoken = [(i, r) for i in items for r in i.reasons if re.search("[0-9]", _plain(r))]
    assume(spoken)
    item, reason = data.draw(st.sampled_from(spoken))
    place = data.draw(st.sampled_from(_numbers(reason)))
    number = data.draw(st.integers(0, 200).filter(lambda n: str(n) != place.group()))
    lie = f"{reason.text[: place.start()]}{number}{reason.text[place.end() :]}"
    assert unproven([_with(item, reason, text=lie)], grounds)


@LAW
@given(world=WORLDS, data=st.data())
def test_a_sentence_with_another_name_is_found_out(world: World, data: st.DataObject) -> None:
    items, grounds = world
    named = [(i, r, n) for i in items for r in i.reasons for n in _names(r)]
    assume(named)
    item, reason, name = data.draw(st.sampled_from(named))
    other = data.draw(TITLES.filter(lambda title: title != name))
    lie = reason.text.replace(f"“{name}”", f"“{other}”")
    assume(lie != reason.text)
    assert unproven([_with(item, reason, text=lie)], grounds)


@LAW
@given(world=WORLDS, data=st.data())
def test_a_number_changed_in_sentence_and_evidence_alike_is_found_out(
    world: World, data: st.DataObject
) -> None:
    items, grounds = world
    counted = [
        (i, r, field)
        for i in items
        for r in i.reasons
        for field, value in r.evidence.items()
        if isinstance(value, int) and field not in ("days", "lately_days")
    ]
    assume(counted)
    item, reason, field = data.draw(st.sampled_from(counted))
    evidence = {**reason.evidence, field: reason.evidence[field] + data.draw(st.integers(1, 9))}
    assert unproven([_with(item, reason, evidence=evidence)], grounds)


@LAW
@given(world=WORLDS, data=st.data())
def test_a_reason_is_not_true_of_a_user_without_a_history(
    world: World, data: st.DataObject
) -> None:
    items, grounds = world
    personal = [i for i in items for r in i.reasons if r.evidence.get("items", ["i0"]) != ["i0"]]
    assume(personal)
    nobody = Grounds(Profile(), grounds.knowledge, NOW, CONFIG, grounds.about)
    assert unproven([data.draw(st.sampled_from(personal))], nobody)


def _names(reason: Reason) -> list[str]:
    evidence = reason.evidence
    return [*evidence.get("words", []), *evidence.get("titles", []), *_phrase(evidence)]


def _phrase(evidence: Any) -> list[str]:
    return [evidence["phrase"]] if "phrase" in evidence else []


def _plain(reason: Reason) -> str:
    """The sentence with its names blotted out, as long as before."""
    text = reason.text
    for name in _names(reason):
        text = text.replace(f"“{name}”", "_" * (len(name) + 2), 1)
    if "attribute" in reason.evidence:
        text = text.replace(f"More of the {reason.evidence['attribute']} ", "", 1)
    return text


def _numbers(reason: Reason) -> list[re.Match[str]]:
    return list(re.finditer("[0-9]+", _plain(reason)))


def _with(item: SlateItem, reason: Reason, **changes: Any) -> SlateItem:
    changed = msgspec.structs.replace(reason, **changes)
    return msgspec.structs.replace(item, reasons=(changed,))
