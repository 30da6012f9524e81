"""Items that give orders or make claims, and a model that repeats them: none of it is shown."""

import json
from contextlib import suppress
from dataclasses import replace

import msgspec
import pytest

from slates.asking import Terms
from slates.draft import Candidate
from slates.explaining import Explain
from slates.model import Question
from slates.reasons.sentences import say
from slates.retrieving import RaRec
from slates.slate import Reason
from streams.errors import ModelUnavailable
from tests.support.drafts import TERMS, Script, draft
from tests.unit.slates.hostile_items import HOSTILE, SENTENCE

POPULAR = Reason("popular", say("popular", {"people": 7}), {"people": 7})
TRUE = "7 people have come to it so far."
ONCE: Terms = replace(TERMS, doubt=0.0, max_prompt_tokens=40_000)
CASES = pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
ROLES = pytest.mark.parametrize("role", [Explain(ONCE), RaRec(ONCE)], ids=["explain", "ra-rec"])


def with_item(title: str, text: str):
    """A draft whose slate begins with the hostile item, which 7 people have come to."""
    plain = draft()
    first = msgspec.structs.replace(plain.slate.items[0], title=title, reasons=(POPULAR,))
    items = (first, *plain.slate.items[1:])
    evil = Candidate(first.item_id, title, score=1.0, text=text)
    return msgspec.structs.replace(
        plain,
        slate=msgspec.structs.replace(plain.slate, items=items),
        candidates=(evil, *plain.candidates[1:]),
    )


def repeating(title: str, text: str) -> Script:
    """Puts their words wherever a sentence has room for some; only the first one is proven."""
    told = [
        TRUE,
        SENTENCE,
        text,
        f"{TRUE} {text}",
        f"{text} {TRUE}",
        f"{TRUE} “{text}”",
        f"{TRUE} “{SENTENCE}”",
        f"{TRUE} {title} {text}",
        f"It is new: {text}",
        f"You may enjoy {title}",
    ]

    def answer(_: Question) -> str:
        sentences = [{"cites": [1], "text": one} for one in told]
        return json.dumps({"order": list(range(1, 21)), "sentences": sentences})

    return Script(answer)


@ROLES
@CASES
async def test_only_what_is_proven_is_told_of_a_hostile_item(hostile, role) -> None:
    given = with_item(*hostile)
    found = await role.refine(given, repeating(*hostile), within=5.0)
    (told,) = found.reasons[given.slate.items[0].item_id]
    assert (told.kind, told.text) == ("told", TRUE)
    assert found.counts["proven"] == 1
    assert found.counts["unproven"] == 9 or len(hostile[1]) > 5_000, "what is too long is not read"


@ROLES
@CASES
async def test_no_word_of_theirs_is_in_what_a_slate_says_of_the_reply(hostile, role) -> None:
    given = with_item(*hostile)
    found = await role.refine(given, repeating(*hostile), within=5.0)
    said = " ".join((*found.degraded, *found.counts, found.prompt, found.model))
    assert SENTENCE not in said
    assert not [word for word in hostile if len(word) > 8 and word in said]


@ROLES
@CASES
async def test_a_hostile_item_changes_neither_system_part_nor_schema(hostile, role) -> None:
    evil, tame = repeating(*hostile), repeating("", "")
    for given, who in ((with_item(*hostile), evil), (with_item("Tame", "Tame."), tame)):
        with suppress(ModelUnavailable):
            await role.refine(given, who, within=5.0)
    assert evil.asked[0].messages[:-1] == tame.asked[0].messages[:-1]
    assert evil.asked[0].schema == tame.asked[0].schema
    lines = [script.asked[0].messages[-1].content.splitlines() for script in (evil, tame)]
    assert len(lines[0]) == len(lines[1])
