"""Whatever people did and however items are called, slates say nothing that is not so."""

import random
from collections.abc import Iterator

import pytest

from slates.building import Built, build
from slates.checking import unproven
from slates.config import DAY, Language, SlateConfig
from slates.reasons.grounds import Grounds, grounds_of
from slates.strategies import load_strategies
from slates.testing import SmallKnowledge
from streams.covisits import co_visit_of
from streams.events import DEFAULT_GAINS, Gains, Interaction
from streams.items import ItemFacts
from streams.profiles import Profile, fold
from streams.requests import SlateRequest
from streams.trends import Trend
from streams.trends import fold as fold_trend

NOW = 100 * DAY
GAINS = Gains(DEFAULT_GAINS)
WORDS = ("sea", "war", "é漢", "2 of 3", "100", "the 31 of the 40 readers", 'a "quoted" word')
TITLES = ("Title 7", "31 of the 40 readers went on", "“9” people", "漢字")
ACTIONS = ("click", "like", "purchase", "skip", "dismiss", "rating")
SCENARIOS = ("feed", "next", "similar", "because")


def world(seed: int) -> tuple[SmallKnowledge, list[Profile]]:
    """A catalogue of hard names, and what a dozen people did with it, for and against."""
    draw, known = random.Random(seed), SmallKnowledge()
    n, events = draw.choice([3, 12, 40]), draw.choice([20, 150])
    for i in range(n):
        facts = ItemFacts(
            f"{draw.choice(TITLES)} {i}",
            tags=tuple(draw.sample(WORDS, 2)),
            attributes={"author": draw.choice(WORDS), "genres": tuple(draw.sample(WORDS, 2))},
            published_at=draw.choice([None, NOW - draw.random() * 20 * DAY, NOW + DAY]),
        )
        known.announce(f"i{i}", [draw.random() for _ in range(3)], facts)
    profiles: dict[str, Profile] = {}
    trends: dict[str, Trend] = {}
    for offset, event in enumerate(_acts(draw, n, events)):
        before = profiles.get(event.user_id, Profile())
        visit = co_visit_of(event, before, gains=GAINS, partition=0, offset=offset)
        trend = fold_trend(trends.get(event.item_id, Trend()), visit, half_life=7 * DAY)
        trends[event.item_id] = trend
        known.follow(event.item_id, trend)
        after = fold(before, event, gains=GAINS, partition=0, offset=offset)
        profiles[event.user_id] = after or Profile()
    return known, list(profiles.values())


def _acts(draw: random.Random, n: int, events: int) -> Iterator[Interaction]:
    """Everybody changes their mind now and then, at once."""
    user, item = "u0", "i0"
    for k in range(events):
        if k % 3:
            user, item = f"u{draw.randrange(12)}", f"i{draw.randrange(n)}"
        action = draw.choice(ACTIONS)
        value = float(draw.randint(1, 5)) if action == "rating" else None
        at = NOW - (200 - k) * 600
        yield Interaction(user_id=user, item_id=item, at=at, action=action, value=value)


def slates(seed: int, language: Language) -> Iterator[tuple[Built, Grounds]]:
    """One of every strategy without a model and every scenario for each of some people."""
    known, profiles = world(seed)
    found = load_strategies(SlateConfig(language=language)).values()
    for config in (strategy for strategy in found if strategy.refinement == "none"):
        for scenario in SCENARIOS:
            about = "i1" if scenario == "similar" else None
            request = SlateRequest(user_id="ann", scenario=scenario, about=about, n=5)
            for profile in profiles[:6]:
                given = (request, profile, known)
                yield (
                    build(*given, now=NOW, config=config),
                    grounds_of(*given, now=NOW, config=config),
                )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("language", ["en", "de", "zh"])
def test_all_reasons_are_proven_items_come_once_and_nothing_is_explained(
    seed: int, language: Language
) -> None:
    reasons = 0
    for built, grounds in slates(seed, language):
        assert unproven(built.items, grounds) == []
        ids = [item.item_id for item in built.items]
        assert len(set(ids)) == len(ids)
        assert bool(ids) != bool(built.note)
        reasons += sum(len(item.reasons) for item in built.items)
    assert reasons
