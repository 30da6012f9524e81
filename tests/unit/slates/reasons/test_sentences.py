"""Sentences are made from evidence and nothing else."""

import pytest

from slates.reasons.sentences import say


def test_there_are_no_words_for_rules_yet() -> None:
    with pytest.raises(ValueError, match="rule"):
        say("rule", {"rule": "Harvest week"})


@pytest.mark.parametrize(
    "title", ["1984", "<b>{title}</b>", "%s", "Dune” and “Emma", "{evidence['people']}"]
)
def test_a_title_stands_in_quotes_as_it_is(title: str) -> None:
    evidence = {"titles": [title], "people": 7, "of": 9}
    assert say("co-visit", evidence) == (f"7 of the 9 people who came to “{title}” went on to this")
