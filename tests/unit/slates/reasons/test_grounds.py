"""What a slate is about is only for slates about something."""

import pytest

from slates.config import SlateConfig
from slates.reasons.grounds import MAX_NAME_CHARS, grounds_of, shorten
from slates.testing import SmallKnowledge
from streams.profiles import Profile
from streams.requests import SlateRequest


@pytest.mark.parametrize(("scenario", "about"), [("similar", "dune"), ("feed", None)])
def test_a_slate_is_about_the_item_it_was_asked_to_be_similar_to(
    scenario: str, about: str | None
) -> None:
    request = SlateRequest(user_id="ann", scenario=scenario, about="dune")
    grounds = grounds_of(request, Profile(), SmallKnowledge(), now=0.0, config=SlateConfig())
    assert grounds.about == about


@pytest.mark.parametrize("length", [1, MAX_NAME_CHARS, MAX_NAME_CHARS + 1, 20_000])
def test_no_title_makes_a_sentence_long(length: int) -> None:
    title = "x" * length
    assert len(shorten(title)) == min(length, MAX_NAME_CHARS)
    assert (shorten(title) == title) == (length <= MAX_NAME_CHARS)
