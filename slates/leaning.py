"""
What a user leans to, in words: the subjects and authors a history has more of than chance.

Text vectors say little about these (a sea story and a love story may read alike), while people
choose by them; and a leaning can be put into a sentence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

from slates.knowledge import Knowledge
from slates.shelf import Place
from slates.tastes import Tastes

PRIOR = 2.0
"""Gain of an imagined history that is like the catalogue; a single click proves little."""
MOST = 50
"""Newest items of a history that count."""

Leaning: TypeAlias = Mapping[Place, float]
"""Attribute and word to how much more of the history has it than of the catalogue."""


def derive_leaning(tastes: Tastes, knowledge: Knowledge) -> Leaning:
    """
    Compare what a user acted on with what there is.

    Source:
        Shrunken rates: (gain with the word + prior * share) / (all gain + prior) - share.
    """
    with_word: defaultdict[Place, float] = defaultdict(float)
    total = 0.0
    for entry in tastes.known[:MOST]:
        total += abs(entry.gain)
        for place in knowledge.words(entry.item_id):
            with_word[place] += entry.gain
    leaning = {}
    for (name, word), gain in with_word.items():
        share = knowledge.share(name, word)
        leaning[name, word] = (gain + PRIOR * share) / (total + PRIOR) - share
    return leaning
