"""A scenario says whose history speaks and what stays off; the strategy does the rest."""

from typing import Any

import pytest

from slates.config import DAY, SlateConfig
from slates.evidence import visited
from slates.scenarios import PAGES_SECONDS, Scene, set_scene
from slates.shortlisting import SHOWN_DAYS, prepare
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.profiles import Entry, Profile, Shown
from streams.requests import SlateRequest

NOW = 100 * DAY
REPEATS = SlateConfig(repeats=True)
LIKED = Profile(
    history=(Entry(1.0, "dune", "like", 2.0), Entry(2.0, "emma", "skip", -1.0)),
    seen=("dune", "emma"),
    shown={"moby": Shown(3, NOW - 60), "solaris": Shown(1, NOW - 2 * PAGES_SECONDS)},
)


@pytest.fixture
def knowledge() -> SmallKnowledge:
    knowledge = SmallKnowledge()
    for n, item_id in enumerate(["dune", "emma", "moby", "solaris", "ulysses"]):
        knowledge.announce(item_id, [1, n], ItemFacts(item_id.title()))
    return knowledge


def scene(
    knowledge: SmallKnowledge,
    scenario: str,
    *,
    profile: Profile = LIKED,
    config: SlateConfig = SlateConfig(),  # noqa: B008 (frozen)
    **asked: Any,
) -> Scene:
    request = SlateRequest(user_id="ann", scenario=scenario, **asked)
    return set_scene(request, profile, knowledge, now=NOW, config=config)


def test_a_feed_has_nothing_that_was_seen_or_excluded(knowledge: SmallKnowledge) -> None:
    found = scene(knowledge, "feed", exclude=("moby",))
    assert found == Scene(LIKED, frozenset({"dune", "emma", "moby"}))


def test_where_repeats_are_wanted_what_was_seen_may_come_again(knowledge: SmallKnowledge) -> None:
    assert scene(knowledge, "feed", config=REPEATS, exclude=("moby",)).barred == {"moby"}


def test_the_next_page_has_nothing_of_the_pages_before(knowledge: SmallKnowledge) -> None:
    assert scene(knowledge, "next").barred == {"dune", "emma", "moby"}


def test_what_is_similar_speaks_for_the_item_alone_and_does_not_show_it(
    knowledge: SmallKnowledge,
) -> None:
    found = scene(knowledge, "similar", about="solaris")
    assert [entry.item_id for entry in found.profile.history] == ["solaris"]
    assert "solaris" in found.barred
    assert (found.title, found.note) == ("Similar to Solaris", "")


def test_similar_to_an_item_nobody_announced_says_so(knowledge: SmallKnowledge) -> None:
    found = scene(knowledge, "similar", about="ghost")
    assert found.note == "item 'ghost' is not in the catalogue"


def test_a_row_is_about_the_newest_item_that_was_liked(knowledge: SmallKnowledge) -> None:
    found = scene(knowledge, "because")
    assert found.title == "Because you liked Dune"
    assert [entry.item_id for entry in found.profile.history] == ["dune"]
    assert found.barred == {"dune", "emma"}


def test_a_row_is_not_about_what_was_turned_down_after_all(knowledge: SmallKnowledge) -> None:
    history = (
        Entry(1.0, "dune", "like", 2.0),
        Entry(2.0, "emma", "click", 1.0),
        Entry(3.0, "emma", "dismiss", -1.0),
    )
    profile = Profile(history=history, seen=("dune", "emma"))
    assert scene(knowledge, "because", profile=profile).title == "Because you liked Dune"


@pytest.mark.parametrize(
    ("action", "verb"),
    [("click", "opened"), ("view", "opened"), ("purchase", "bought"), ("rating", "liked")],
)
def test_a_row_says_what_the_user_did(knowledge: SmallKnowledge, action: str, verb: str) -> None:
    profile = Profile(history=(Entry(1.0, "dune", action, 0.3),), seen=("dune",))
    assert scene(knowledge, "because", profile=profile).title == f"Because you {verb} Dune"


@pytest.mark.parametrize("visits", [frozenset({"finish"}), SlateConfig().visits])
def test_a_slate_about_an_item_has_evidence_whatever_the_actions_are_called(
    knowledge: SmallKnowledge, visits: frozenset[str]
) -> None:
    config = SlateConfig(visits=visits)
    history = scene(knowledge, "similar", about="solaris", config=config).profile
    assert [entry.item_id for entry in visited(history, config.visits)] == ["solaris"]


def test_who_has_liked_nothing_gets_no_row(knowledge: SmallKnowledge) -> None:
    assert scene(knowledge, "because", profile=Profile()).note
    gone = Profile(history=(Entry(1.0, "ghost", "like", 2.0),))
    assert scene(knowledge, "because", profile=gone).note


def test_a_scene_with_a_note_has_no_candidates(knowledge: SmallKnowledge) -> None:
    request = SlateRequest(user_id="ann", scenario="similar", about="ghost")
    prepared = prepare(request, LIKED, knowledge, now=NOW, config=SlateConfig())
    assert len(prepared.shortlist.candidates) == 0
    assert prepared.note == "item 'ghost' is not in the catalogue"


# What was shown and not touched


def scores(
    knowledge: SmallKnowledge, shown: dict[str, Shown], *, now: float = NOW
) -> dict[str, float]:
    request = SlateRequest(user_id="ann")
    prepared = prepare(request, Profile(shown=shown), knowledge, now=now, config=SlateConfig())
    shortlist = prepared.shortlist
    return dict(zip(shortlist.candidates.item_ids, shortlist.scores.tolist(), strict=True))


def test_an_item_loses_with_each_doubling_of_the_times_it_was_shown(
    knowledge: SmallKnowledge,
) -> None:
    lost = [scores(knowledge, {"moby": Shown(n, NOW)})["moby"] for n in (1, 3, 7)]
    assert lost == pytest.approx([-0.3, -0.6, -0.9])


def test_that_is_forgotten_by_half_each_day(knowledge: SmallKnowledge) -> None:
    shown = {"moby": Shown(1, NOW)}
    assert scores(knowledge, shown, now=NOW + SHOWN_DAYS * DAY)["moby"] == pytest.approx(-0.15)


def test_what_was_not_shown_loses_nothing(knowledge: SmallKnowledge) -> None:
    found = scores(knowledge, {"moby": Shown(9, NOW)})
    assert set(found.values()) == {0.0, found["moby"]}


@pytest.mark.parametrize(
    ("language", "similar", "because"),
    [
        ("en", "Similar to Dune", "Because you liked Dune"),
        ("de", "Ähnlich wie Dune", "Weil dir Dune gefallen hat"),
        ("zh", "与 Dune 相似", "因为您喜欢 Dune"),
    ],
)
def test_what_stands_above_a_row_is_in_the_language_of_the_settings(
    knowledge: SmallKnowledge, language: Any, similar: str, because: str
) -> None:
    config = SlateConfig(language=language)
    assert scene(knowledge, "similar", about="dune", config=config).title == similar
    assert scene(knowledge, "because", config=config).title == because
