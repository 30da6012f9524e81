"""Slates are scored by what users do next, and clicks by the place they were made at."""

import pytest

from agents.metrics import Metrics
from agents.scoring import Scoring, gain_at
from agents.settings import Settings
from streams.events import Forget, Impression, Interaction
from streams.profiles import Profile

SLATE = tuple(f"item-{n}" for n in range(12))


class Stage:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.scoring = Scoring(gains=Settings().gains(), metrics=self.metrics)
        self.scoring.slated("ann", SLATE)

    def act(self, item_id: str, *, action: str = "click", slate: str | None = None) -> None:
        event = Interaction(user_id="ann", at=1.0, item_id=item_id, action=action, slate_id=slate)
        self.scoring.observe(event, Profile(seen=("had",)))

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def test_a_choice_from_the_last_slate_is_a_hit_discounted_by_its_place() -> None:
    stage = Stage()
    stage.act("item-3")
    assert stage.value("headwater_choices_total", on_slate="yes") == 1
    assert stage.value("headwater_hit_rate") == 1.0
    assert stage.value("headwater_ndcg") == gain_at(3)


@pytest.mark.parametrize("item_id", ["elsewhere", "item-10"])
def test_a_choice_that_was_not_among_the_first_ten_is_a_miss(item_id: str) -> None:
    stage = Stage()
    stage.act(item_id)
    assert stage.value("headwater_choices_total", on_slate="no") == 1
    assert stage.value("headwater_hit_rate") == 0.0


def test_who_skips_or_comes_back_chooses_nothing() -> None:
    stage = Stage()
    stage.act("item-3", action="skip")
    stage.act("had")
    assert stage.value("headwater_choices_total", on_slate="yes") is None
    assert stage.value("headwater_choices_total", on_slate="no") is None


def test_clicks_are_counted_at_the_place_where_the_item_was_shown() -> None:
    stage = Stage()
    shown = Impression(user_id="ann", at=1.0, slate_id="s", item_ids=("a", "b"))
    stage.scoring.observe(shown, Profile())
    stage.act("b", slate="s")
    stage.act("b", slate="another")
    assert stage.value("headwater_impressions_total", place="1") == 1
    assert stage.value("headwater_clicks_total", place="1") == 1
    assert stage.value("headwater_click_through") == pytest.approx(0.5)
    assert stage.value("headwater_click_through_seen") == pytest.approx(1 / (1 + gain_at(1)))


def test_of_a_user_who_is_forgotten_nothing_is_remembered() -> None:
    stage = Stage()
    stage.scoring.observe(Forget(user_id="ann", at=1.0), Profile())
    stage.act("item-3")
    assert stage.value("headwater_choices_total", on_slate="yes") is None
