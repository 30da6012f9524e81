"""The constants of slates are sound by default, and a wrong one is refused by name."""

import pytest
from pydantic import ValidationError

from slates.config import SlateConfig


def test_every_constant_has_a_reason() -> None:
    assert all(field.description for field in SlateConfig.model_fields.values())


def test_the_defaults_are_within_their_own_bounds() -> None:
    assert SlateConfig.model_validate(SlateConfig().model_dump()) == SlateConfig()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 0),
        ("size", 101),
        ("retrieve", 0),
        ("recent", 0),
        ("recency", 0.0),
        ("last_items", -1),
        ("companions", -1),
        ("companions", 2001),
        ("rotation", -0.1),
        ("calibration", -0.1),
        ("diversity", -0.1),
        ("diversity", 1.1),
        ("fresh_days", 0.0),
        ("explore_share", 0.6),
        ("supporters", 0),
        ("popularity_half_life_days", 0.0),
        ("sizes", 10),
    ],
)
def test_a_constant_out_of_bounds_or_unknown_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        SlateConfig(**{name: value})


def test_a_weight_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValidationError, match="ranker"):
        SlateConfig(ranker={"close": float("nan")})


@pytest.mark.parametrize("name", ["diversity", "rotation", "calibration", "recency"])
def test_a_number_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        SlateConfig.model_validate({name: float("nan")})


def test_a_source_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="candidates"):
        SlateConfig.model_validate({"candidates": ["horoscope"]})


def test_constants_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        SlateConfig().size = 20
