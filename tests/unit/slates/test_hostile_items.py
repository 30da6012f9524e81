"""
Items that give orders: what holds whatever the model does, shown with a model that obeys them.

Structural, and tested here: their text stays between its quotes on its line, the parts of the
prompt that give orders stay what they are, an order changes only by numbers in the grammar and only
as far as the fusion lets it, and no word of theirs reaches a slate.  Not structural: whether a real
model lets itself be talked into preferring an item.  That depends on the model, and is bounded by
the weight that its order has.
"""

import json
import re
from contextlib import suppress

import pytest

from slates.draft import Candidate
from slates.generating import Generate
from slates.model import Question
from slates.prompted import Recommend
from slates.replies import read_reply
from slates.reranking import Rerank
from streams.errors import ModelUnavailable
from tests.support.drafts import TERMS, Script, candidates, draft
from tests.unit.slates.hostile_items import HOSTILE, SENTENCE

PLACE = 14
"""Where the hostile item stands on the shortlist."""
ROLES = [Rerank(TERMS), Recommend(TERMS), Recommend(TERMS, "prompt-in-context-1"), Generate(TERMS)]
CASES = pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
ANY_ROLE = pytest.mark.parametrize(
    "role", ROLES, ids=["rerank", "prompt", "in-context", "generate"]
)


def with_item(title: str, text: str, *, interactions: int = 0):
    some = list(candidates(30))
    some[PLACE] = Candidate("evil", title, score=0.5, text=text)
    return draft(candidates=tuple(some), interactions=interactions)


def obedient(title: str, text: str):
    """Does what an attacker hopes for: the item first, his sentences before, in and after it."""

    def answer(question: Question) -> str:
        told = f"{title}\n{text}\n{SENTENCE}\n"
        order = json.dumps({"order": [PLACE + 1, SENTENCE, title], "reason": SENTENCE, "ids": []})
        return f"{told}{order}\n{told}" if question.size == "small" else told

    return Script(answer)


def lines_of(question: Question) -> list[str]:
    return question.messages[-1].content.splitlines()


@ANY_ROLE
@CASES
async def test_a_hostile_item_adds_no_line_and_leaves_its_quotes_nowhere(hostile, role) -> None:
    model, tame = obedient(*hostile), obedient("", "")
    for given, who in ((with_item(*hostile), model), (with_item("Tame", "Tame."), tame)):
        with suppress(ModelUnavailable):
            await role.refine(given, who, within=5.0)
    evil, harmless = model.asked[0], tame.asked[0]
    assert len(lines_of(evil)) == len(lines_of(harmless))
    differing = [e for e, h in zip(lines_of(evil), lines_of(harmless), strict=True) if e != h]
    quoted = r'"(?:[^"\\]|\\.)*"'
    assert len(differing) <= 1
    assert all(re.fullmatch(rf"{PLACE + 1} {quoted}(?: {quoted})?", line) for line in differing)
    assert not [mark for line in differing for mark in "<>[]" if mark in line]


@ANY_ROLE
@CASES
async def test_what_gives_orders_stays_what_it_is(hostile, role) -> None:
    model = obedient(*hostile)
    tame = obedient("", "")
    for given, who in ((with_item(*hostile), model), (with_item("Tame", ""), tame)):
        with suppress(ModelUnavailable):
            await role.refine(given, who, within=5.0)
    assert model.asked[0].messages[:-1] == tame.asked[0].messages[:-1]
    assert model.asked[0].schema == tame.asked[0].schema


@ANY_ROLE
@CASES
async def test_no_word_of_theirs_reaches_a_slate(hostile, role) -> None:
    given = with_item(*hostile)
    try:
        found = await role.refine(given, obedient(*hostile), within=5.0)
    except ModelUnavailable:
        return  # revision 1 stands, which was there before the item was read
    assert sorted(found.order) == sorted(each.item_id for each in given.candidates)
    assert found.reasons == {}
    said = " ".join((*found.degraded, *found.counts, found.prompt, found.model))
    assert SENTENCE not in said
    assert not [word for word in hostile if len(word) > 8 and word in said]


@CASES
async def test_even_obeyed_an_item_moves_only_as_far_as_the_model_counts(hostile) -> None:
    obeyed = Script(lambda _: json.dumps({"order": [PLACE + 1, *range(1, 21)]}))
    places = []
    for interactions in (0, 100, 2_000):
        given = with_item(*hostile, interactions=interactions)
        found = await Rerank(TERMS).refine(given, obeyed, within=5.0)
        places.append(found.order.index("evil"))
    assert places == sorted(places)
    assert 0 < places[0] < PLACE
    assert places[-1] == PLACE


@CASES
async def test_a_line_of_prose_that_holds_its_title_ranks_nothing(hostile) -> None:
    title, _ = hostile
    if read_reply(f"a {title} b").entries[0].number is not None:
        return  # its title is a reply itself, which the grammar takes wherever it stands
    model = Script(lambda _: f"You really should see {title[:200]} before all others, 1 of 1.")
    with pytest.raises(ModelUnavailable):
        await Rerank(TERMS).refine(with_item(*hostile), model, within=5.0)
