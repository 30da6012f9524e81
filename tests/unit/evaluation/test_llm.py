"""`headwater evaluate llm`: every reply becomes an order, and its worth is told honestly."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.model_settings import BudgetSettings, PriceSettings
from agents.testing import HashEncoder
from evaluation.commands import app
from evaluation.learned import load_films, world_of
from evaluation.llm import is_fitting, judge_all, summarise_replies
from evaluation.llm_session import dearest
from evaluation.recordings import Recorded, Recording, load_recordings
from evaluation.replaying import ignore
from evaluation.token_costs import Cost
from evaluation.verdicts import WHO, World, judge_reply
from slates.money import price
from slates.refinements import REFINEMENTS
from slates.titles import ByName
from streams.errors import SetupError
from tests.support.recorded import (
    FILMS,
    GIVEN,
    HELD_BACK,
    USERS,
    Ranked,
    write_data,
    write_recording,
    write_replies,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_replies(tmp_path / "replies")


@pytest.fixture
def world(data: Path) -> World:
    films = load_films(data)
    return world_of(films, Ranked(dict(films.split.had)))


def summary(folder: Path, world: World, *, leave_out: bool = False) -> dict[str, object]:
    recordings = load_recordings(folder, world.titles)
    judged = judge_all(recordings, world, on_reply=ignore)
    return summarise_replies(judged, world, leave_out=leave_out)


def reordering(text: str, user: str = "2") -> tuple[Recorded, Recording]:
    recorded = Recorded(user, text)
    return recorded, Recording("x_rerank_mostpop", "rerank_mostpop", [recorded], {user: GIVEN})


def test_every_reply_is_counted_and_becomes_a_permutation(folder: Path, world: World) -> None:
    figures = summary(folder, world)
    assert figures["replies"] == figures["permutations"] == 3 * len(USERS)
    assert (figures["outside_catalogue"], figures["crashes"]) == (0, 0)
    assert (figures["empty"], figures["degraded"]) == (6, 12)


def test_what_models_name_and_nobody_has_is_told(folder: Path, world: World) -> None:
    figures = summary(folder, world)
    assert figures["named"]["outside_catalogue"] == 3 * 8


def test_an_empty_reply_leaves_the_engines_order(world: World) -> None:
    found = judge_reply(*reordering(""), world)
    assert found.ndcg["fused"] == found.ndcg["engine"]
    assert found.ndcg["model"] == 0.0
    assert found.repaired.trust == 0.0


def test_a_model_that_is_right_lifts_the_order_of_a_stranger(world: World) -> None:
    order = dict.fromkeys([*sorted(HELD_BACK["2"]), *GIVEN])
    right = "\n".join(f"{k}. {FILMS[i]}" for k, i in enumerate(order, 1))
    stranger = World(world.ranking, world.titles, world.catalogue, {}, world.held_back)
    found = judge_reply(*reordering(right), stranger)
    assert found.ndcg["model"] == 1.0
    assert found.ndcg["model"] >= found.ndcg["fused"] > found.ndcg["engine"]


def test_what_another_constant_of_the_fusion_would_have_reached_is_told(
    folder: Path, world: World
) -> None:
    found = judge_reply(*reordering("\n".join(FILMS[i] for i in sorted(HELD_BACK["2"]))), world)
    assert found.hindsight[0.0] == found.ndcg["engine"]
    assert found.hindsight[3.0] == found.ndcg["fused"]
    figures = summary(folder, world)
    assert figures["hindsight"]["all"]["0"] == pytest.approx(figures["ndcg@10"]["engine"])
    assert figures["hindsight"]["cold"]["3"] == pytest.approx(figures["ndcg@10"]["cold"]["fused"])


def test_a_perfect_reply_is_seen(world: World) -> None:
    perfect = "\n".join(f"{k}. {FILMS[i]}" for k, i in enumerate(GIVEN, 1))
    assert judge_reply(*reordering(perfect), world).perfect
    assert not judge_reply(*reordering(perfect + "\n11. Never Made (2031)"), world).perfect


def test_what_a_user_has_had_is_shown_by_nobody(world: World) -> None:
    recorded = Recorded("2", "\n".join(FILMS.values()))
    recording = Recording("x_topn", "topn", [recorded], {})
    found = judge_reply(recorded, recording, world)
    assert not world.had["2"] & set(found.repaired.order)


def test_cold_and_warm_are_told_apart(folder: Path, world: World) -> None:
    figures = summary(folder, world)["ndcg@10"]
    assert figures["cold"]["n"] + figures["warm"]["n"] == figures["n"] == 36
    assert figures["cold"]["n"] == 9
    assert {*WHO} <= {*figures} & {*figures["cold"]} & {*figures["warm"]}


def test_users_on_whom_constants_were_set_are_left_out_unless_replies_are_given(
    folder: Path, world: World
) -> None:
    left = summary(folder, world, leave_out=True)
    fitting = sum(map(is_fitting, USERS))
    assert 0 < fitting < len(USERS)
    assert left["ndcg@10"]["n"] == 3 * (len(USERS) - fitting)
    assert left["replies"] == 36


def test_a_reply_that_is_an_error_is_counted_and_the_others_go_on(world: World) -> None:
    class Failing(Ranked):
        def order(self, user_id, given):
            if user_id == "3":
                raise ZeroDivisionError
            return super().order(user_id, given)

    replies = [Recorded(user, "") for user in USERS]
    recording = Recording(
        "x_rerank_mostpop", "rerank_mostpop", replies, dict.fromkeys(USERS, GIVEN)
    )
    failing = World(
        Failing(dict(world.had)), world.titles, world.catalogue, world.had, world.held_back
    )
    judged = judge_all([recording], failing, on_reply=ignore)
    figures = summarise_replies(judged, failing, leave_out=False)
    assert (figures["crashes"], figures["replies"], figures["permutations"]) == (1, 12, 11)
    assert "user 3" in judged.crashes[0]


def invoke(*words: str | Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HEADWATER_STATE_DIR", str(tmp_path))
    monkeypatch.setattr("evaluation.engine._Lazily.encode", lambda _, texts: HashEncoder()(texts))
    return CliRunner().invoke(app, ["llm", *map(str, words)], catch_exceptions=False)


def test_the_command_prints_one_object_last(
    data: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = invoke(
        "--data", data, "--replies", folder, "--json", monkeypatch=monkeypatch, tmp_path=tmp_path
    )
    said = json.loads(result.stdout.splitlines()[-1])
    wanted = {"replies", "permutations", "outside_catalogue", "empty", "crashes", "ndcg@10"}
    assert wanted <= set(said)
    assert {"engine", "model", "fused", "cold", "warm"} <= set(said["ndcg@10"])
    assert said["permutations"] == said["replies"] == 36
    assert {"naive", "rerank", "prompt", "generate"} <= set(said["tokens"])
    assert said["tokens"]["rerank-shuffled"]["calls"] == 3
    assert set(said["tokens"]) == {"naive", *REFINEMENTS}
    assert said["tokens"]["explain"]["proven"] == said["tokens"]["ra-rec"]["proven"] == 1.0
    assert said["tokens"]["rerank"]["proven"] is None
    assert said["tokens"]["rerank"]["cost_per_1000"] is None  # no prices are set
    assert {"cold", "warm"} <= set(said["by_task"]["topn"])


def test_what_a_thousand_slates_cost_is_by_the_prices_of_the_settings() -> None:
    cost = Cost(1, prompt=1_000, completion=100)
    assert cost.of_thousand(price(prompt=0.15, completion=0.6)) == pytest.approx(0.15 + 0.06)
    assert cost.of_thousand(None) is None
    budget = BudgetSettings(
        prices={
            "small": PriceSettings(prompt=0.1, completion=9.0),
            "large": PriceSettings(prompt=2.0, completion=8.0),
        }
    )
    assert dearest(budget) == price(prompt=2.0, completion=8.0)


def test_people_see_tables(
    data: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = invoke("--data", data, "--replies", folder, monkeypatch=monkeypatch, tmp_path=tmp_path)
    assert "36 replies: 36 permutations" in result.stdout
    assert "refined slate" in result.stdout


def test_a_folder_without_replies_is_said(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SetupError, match="no replies, expected files such as"):
        load_recordings(tmp_path / "empty", ByName(FILMS.items()))
    with pytest.raises(SetupError, match="no such folder"):
        load_recordings(tmp_path / "missing", ByName(FILMS.items()))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"userId": 1}', "row 1: no response; found userId"),
        ('{"user": 1, "response": ""}', "row 1: no userId; found user, response"),
        ('{"userId": 1, "response": 5}', "row 1: response is no text"),
        ('{"userId": null, "response": ""}', "row 1: .*userId|row 1: "),
        ("no json", "row 1: not a JSON object"),
    ],
)
def test_a_file_of_another_shape_is_named_with_its_row(folder: Path, line: str, said: str) -> None:
    (folder / "movielens-small/other_topn.jsonl").write_text(line + "\n")
    with pytest.raises(SetupError, match=said) as caught:
        load_recordings(folder, ByName(FILMS.items()))
    assert "other_topn.jsonl" in str(caught.value)


def test_a_file_of_an_unknown_task_is_named(folder: Path) -> None:
    write_recording(folder / "movielens-small/tiny_chat.jsonl.gz", {"1": ""})
    with pytest.raises(SetupError, match="tiny_chat"):
        load_recordings(folder, ByName(FILMS.items()))


@pytest.mark.parametrize(
    "missing",
    [
        "rerank_mostpop_candidates.txt",
        "candidates_and_parsed/output_exp_3_rec_movie_no_rerank_userknn.tsv",
    ],
)
def test_a_missing_list_of_candidates_is_named(folder: Path, missing: str) -> None:
    (folder / "movielens-small" / missing).unlink()
    with pytest.raises(SetupError, match=Path(missing).name):
        load_recordings(folder, ByName(FILMS.items()))


def test_candidates_that_are_in_no_catalogue_are_said(folder: Path) -> None:
    (folder / "movielens-small/rerank_mostpop_candidates.txt").write_text("Never Made (2031)\n")
    with pytest.raises(SetupError, match=r"Never Made.*not in the catalogue"):
        load_recordings(folder, ByName(FILMS.items()))


def test_a_split_with_other_columns_is_said(data: Path) -> None:
    (data / "movielens-small/random-80-20/train.tsv").write_text("1,m1,4.0,1000\n")
    with pytest.raises(
        SetupError, match=r"train.tsv: line 1: expected user, item, rating and time"
    ):
        load_films(data)


@pytest.mark.data
@pytest.mark.timeout(600)
def test_every_recorded_reply_becomes_a_permutation() -> None:
    """With any engine; here one that ranks by number."""
    folder = os.environ.get("HEADWATER_DATA_DIR")
    if not folder:
        pytest.skip("HEADWATER_DATA_DIR is not set: no recorded replies to read")
    films = load_films(Path(folder))

    class ById:
        def best(self, user_id: str, *, n: int) -> list[str]:
            had = films_had.get(user_id, frozenset())
            return [i.item_id for i in films.items if i.item_id not in had][:n]

        def order(self, user_id: str, given: list[str]) -> list[str]:
            had = films_had.get(user_id, frozenset())
            return sorted(item_id for item_id in given if item_id not in had)

    films_had = films.split.had
    figures = summary(Path(folder) / "recorded-llm", world_of(films, ById()))
    assert figures["replies"] == figures["permutations"] >= 5_433
    assert (figures["outside_catalogue"], figures["crashes"]) == (0, 0)
    assert figures["degraded"] >= figures["empty"] >= 80
