"""Explanations are measured by what is in their evidence, whoever wrote them."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from agents.testing import HashEncoder
from evaluation.claims import count_claims
from evaluation.commands import app
from evaluation.explained import Explained, check, is_proven, measure, template
from evaluation.profile_words import parts_of
from evaluation.profiled import Output, Row, load_published
from slates.told.tongues import load_tongue
from streams.errors import SetupError
from tests.support.laws import law

ROWS = [
    Row(
        "Lou's",
        "This user is likely to enjoy craft beer and live music.",
        "Fans of craft beer, live music, and friendly staff would enjoy Lou's in Boise.",
        "The user would enjoy Lou's for its beer.",
    ),
    Row(
        "Milkboy",
        "The user enjoys quiet places.",
        "People who don't mind loud music would like Milkboy.",
        "The user would enjoy the coffee.",
    ),
]


def encode(texts: Any) -> Any:
    return HashEncoder()(texts).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    outputs = [
        Output("You would enjoy it for its craft beer and friendly staff.", ROWS[0].explanation, 0),
        Output("You would enjoy its pizza.", ROWS[1].explanation, 1),
        Output("Somewhere else.", "Somewhere else.", None),
        Output("Of another row.", "Another one.", 1),
    ]
    for name, rows in (("x_test.jsonl", ROWS), ("x_predictions.jsonl", outputs)):
        lines = (json.dumps({f: getattr(row, f) for f in row.__struct_fields__}) for row in rows)
        (tmp_path / name).write_text("\n".join(lines), "utf-8")
    return tmp_path


def test_only_outputs_whose_evidence_is_known_are_compared(folder: Path) -> None:
    found = load_published(folder)
    assert (len(found.explained), found.without_row, found.mismatched) == (2, 1, 1)


def test_an_output_without_a_number_belongs_to_the_row_with_its_reference(
    folder: Path, tmp_path: Path
) -> None:
    replies = tmp_path / "replies.jsonl"
    said = {"prediction": "Its beer.", "reference": ROWS[0].explanation, "test_row": None}
    replies.write_text(json.dumps(said), "utf-8")
    assert load_published(folder, replies).explained == [Explained(ROWS[0], "Its beer.")]


def test_ours_are_proven_and_the_others_are_counted(folder: Path) -> None:
    found: Any = measure(load_published(folder), encode)
    assert found["template"]["proven"] == found["checked"]["proven"] == 1.0
    assert found["published"]["proven"] < 1.0
    assert (found["sentences_kept"], found["sentences_unproven"]) == (1, 1)
    assert found["n"] == 2


def test_a_proven_sentence_is_kept_and_the_template_stands_in_for_the_others(folder: Path) -> None:
    kept, replaced = (check(one, "instead") for one in load_published(folder).explained)
    assert kept.text == "You would enjoy it for its craft beer and friendly staff."
    assert replaced.text == "instead"


def test_a_template_names_what_the_item_has_the_wanted_first() -> None:
    assert template(ROWS[0]) == (
        "You would enjoy “Lou's” for craft beer, live music and friendly staff."
    )


def test_where_no_part_can_be_taken_out_the_profile_is_quoted() -> None:
    assert template(ROWS[1]) == f"“Milkboy”: “{ROWS[1].item_summary}”"
    assert is_proven(template(ROWS[1]), ROWS[1])


def test_parts_that_are_denied_or_hedged_are_no_parts() -> None:
    said = "Fans of pizza, sometimes live music. It has no parking, pasta."
    assert list(parts_of("X", said, load_tongue("en"))) == []
    said = "Fans of thin pizza, sometimes live music. It has no parking, good pasta."
    assert list(parts_of("X", said, load_tongue("en"))) == ["thin pizza"]


@law(200)
@given(title=st.text(max_size=20), user=st.text(max_size=60), profile=st.text(max_size=120))
def test_whatever_profiles_say_the_template_claims_nothing_else(
    title: str, user: str, profile: str
) -> None:
    row = Row(title, user, profile, "")
    assert count_claims(template(row), (title, user, profile)).unproven == ()


@pytest.mark.parametrize(
    ("text", "unproven"),
    [
        ("You would enjoy the craft beers.", ()),
        ("You would enjoy the pizza.", ("pizza",)),
        ("You would enjoy the 3 beers.", ("3",)),
        ("You would not enjoy the beer.", ("not",)),
        ("You would enjoy the parking.", ("parking",)),
        ("You would enjoy it with no parking.", ()),
    ],
)
def test_a_claim_is_proven_by_its_words(text: str, unproven: tuple[str, ...]) -> None:
    evidence = ["Fans of craft beer.", "There is no parking."]
    expected = () if text.endswith("no parking.") else unproven
    assert tuple(w for w in count_claims(text, evidence).unproven if w != "no") == expected


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x_test.jsonl", None, "0 files"),
        ("y_test.jsonl", "{}", "2 files"),
        ("x_predictions.jsonl", '{"prediction": 3}', "line 1"),
        ("x_predictions.jsonl", '{"prediction": "x", "test_row": 99}', "none of 1 outputs"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(
    folder: Path, name: str, text: str | None, said: str
) -> None:
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text, "utf-8")
    with pytest.raises(SetupError, match=said):
        load_published(folder)


def test_the_command_prints_one_object_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.surroundings.kept_encoder", lambda: encode)
    result = CliRunner().invoke(app, ["explanations", "--data", str(folder), "--json"])
    said = json.loads(result.stdout.splitlines()[-1])
    assert said["n"] == 2
    assert {"cosine", "unique", "proven"} <= said["checked"].keys()
    table = CliRunner().invoke(app, ["explanations", "--data", str(folder)]).stdout
    assert "template" in table


def test_other_replies_can_be_measured(folder: Path, tmp_path: Path) -> None:
    replies = tmp_path / "replies.jsonl"
    replies.write_text('{"prediction": "You would enjoy live music.", "test_row": 0}')
    assert len(load_published(folder, replies).explained) == 1


def test_help_shows_an_example() -> None:
    said = CliRunner().invoke(app, ["explanations", "--help"]).stdout
    assert "Example: headwater evaluate explanations" in " ".join(said.split())


@pytest.mark.data
def test_ours_are_wholly_proven_on_real_profiles() -> None:
    data = os.environ.get("HEADWATER_DATA_DIR")
    if not data:
        pytest.skip("HEADWATER_DATA_DIR is not set: no real profiles to read")
    for one in load_published(Path(data) / "xrec-yelp").explained[::10]:
        assert isinstance(one, Explained)
        row = one.row
        said = check(one, template(row)).text
        evidence = (row.title, row.item_summary, row.user_summary)
        assert count_claims(said, evidence).unproven == (), said
