"""`headwater evaluate …`: from files to one JSON object, and clear words where that cannot be."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.testing import HashEncoder
from evaluation.commands import app
from evaluation.sessions import parse_delay
from streams.errors import BadSetting, HeadwaterError, SetupError

COMMANDS = ["prequential", "leave-one-out", "next-basket", "compare", "freshness", "diversity"]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Twenty users walk through ten items, two to a basket."""
    rows = [
        f"u{user},i{(user + k) % 10},{1000 * k + user},{k % 5 + 1},{k // 2}"
        for user in range(20)
        for k in range(8)
    ]
    path = tmp_path / "events.csv"
    path.write_text("\n".join(["user_id,item_id,timestamp,rating,basket_id", *rows, ""]))
    return path


@pytest.fixture
def items(tmp_path: Path) -> Path:
    rows = [f"i{k},Item {k},{'war' if k % 2 else 'sea'}" for k in range(12)]
    path = tmp_path / "items.csv"
    path.write_text("\n".join(["item_id,title,genres", *rows, ""]))
    return path


def call(*words: str | Path) -> dict[str, object]:
    """The JSON object at the end of the output."""
    result = CliRunner().invoke(app, [*map(str, words), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def test_prequential_says_all_there_is(events: Path, items: Path) -> None:
    said = call("prequential", "--events", events, "--items", items, "--contender", "item-knn")
    assert said["n"] == 128
    wanted = {f"{kind}@{k}" for kind in ("hr", "ndcg", "mrr", "map") for k in (5, 10, 20)}
    wanted |= {"coverage@10", "gini@10", "novelty@10", "diversity@10", "calibration_kl@10"}
    assert wanted | {"hr@10_ci", "us_per_event", "by"} <= set(said)


def test_next_to_parts_everything_is_flat(events: Path) -> None:
    said = call("prequential", "--events", events, "--contender", "popularity")
    said.pop("by")
    assert {type(value) for value in said.values()} <= {int, float, str, list}


def test_events_of_few_stars_can_be_left_out(events: Path) -> None:
    every = call("prequential", "--events", events, "--contender", "popularity", "--warm", "0")
    some = call(
        "prequential", "--events", events, "--contender", "popularity", "--warm", "0",
        "--min-value", "4",
    )  # fmt: skip
    assert (every["n"], some["n"]) == (160, 40)


def test_the_stream_can_be_cut_short(events: Path) -> None:
    said = call("prequential", "--events", events, "--contender", "popularity", "--n-max", "50")
    assert said["n"] == 40


def test_the_same_seed_gives_the_same_figures(events: Path) -> None:
    words = ("prequential", "--events", events, "--contender", "item-knn", "--seed", "3")
    one, other = call(*words), call(*words)
    assert [one["ndcg@10"], one["ndcg@10_ci"]] == [other["ndcg@10"], other["ndcg@10_ci"]]


def test_leave_one_out_asks_once_for_each_user(events: Path) -> None:
    assert call("leave-one-out", "--events", events, "--contender", "popularity")["n"] == 20


def test_next_basket_asks_for_all_but_the_first(events: Path) -> None:
    said = call("next-basket", "--events", events, "--contender", "popularity", "--warm", "0")
    assert said["n"] == 60


def test_compare_puts_peers_beside_the_first(events: Path, tmp_path: Path) -> None:
    plot = tmp_path / "peers.svg"
    said = call(
        "compare", "--events", events, "--peers", "item-knn,popularity", "--plot", plot
    )  # fmt: skip
    alone = call("prequential", "--events", events, "--contender", "popularity")
    assert said["contender"] == "item-knn"
    assert said["peers"]["popularity"]["hr@10"] == alone["hr@10"]
    assert plot.exists()


def test_a_peer_that_has_no_room_is_left_out_and_said(
    events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.peers.ledger.MOST_ITEMS", 5)
    result = CliRunner().invoke(
        app, ["compare", "--events", str(events), "--peers", "popularity,item-knn", "--json"]
    )
    assert "left out" in result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert (said["contender"], said["peers"]) == ("popularity", {})


def test_freshness_has_figures_for_each_delay(events: Path, tmp_path: Path) -> None:
    plot = tmp_path / "fresh.png"
    said = call(
        "freshness", "--events", events, "--contender", "item-knn", "--delays", "0s,frozen",
        "--plot", plot,
    )  # fmt: skip
    assert list(said["delays"]) == ["0s", "frozen"]
    assert said["hr@10"] == said["delays"]["0s"]["hr@10"]
    assert plot.exists()


def test_a_delay_of_prequential_is_that_of_freshness(events: Path) -> None:
    words = ("--events", events, "--contender", "skip-markov")
    one = call("prequential", *words, "--delay", "frozen")
    other = call("freshness", *words, "--delays", "frozen")
    assert one["ndcg@10"] == other["ndcg@10"]


def test_diversity_has_figures_for_each_level(
    events: Path, items: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_STATE_DIR", str(tmp_path))
    monkeypatch.setattr("evaluation.engine._Lazily.encode", lambda _, texts: HashEncoder()(texts))
    plot = tmp_path / "diversity.svg"
    words = ("diversity", "--events", events, "--items", items)
    said = call(*words, "--levels", "0.2, 0", "--plot", plot)
    assert list(said["levels"]) == ["0.2", "0"]
    assert said["ndcg@10"] == said["levels"]["0.2"]["ndcg@10"]
    assert {"ndcg@10", "diversity@10"} <= set(said["levels"]["0"])
    assert "What diversity costs" in plot.read_text()


@pytest.mark.parametrize("levels", ["", "0.2,much", "1.5", "-0.1", "nan"])
def test_a_share_of_diversity_is_a_number_up_to_one(events: Path, levels: str) -> None:
    with pytest.raises(BadSetting, match="--levels"):
        call("diversity", "--events", events, "--items", events, f"--levels={levels}")


def test_people_see_tables(events: Path) -> None:
    result = CliRunner().invoke(
        app, ["prequential", "--events", str(events), "--contender", "popularity"]
    )
    assert "popularity: 128 lists for 20 users" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str) -> None:
    said = CliRunner().invoke(app, [command, "--help"]).stdout
    assert f"Example: headwater evaluate {command} --events" in " ".join(said.split())


def test_bad_rows_are_counted_and_put_aside(events: Path) -> None:
    with events.open("a") as file:
        file.write("u1,i1,soon,4,1\n")
    result = CliRunner().invoke(
        app, ["prequential", "--events", str(events), "--contender", "popularity", "--json"]
    )
    assert "row 161" in result.stderr
    assert "1 bad row put into" in result.stderr
    assert "soon" in events.with_name("events.csv.rejected.jsonl").read_text()


def refusal(*words: str | Path) -> HeadwaterError:
    error = CliRunner().invoke(app, [*map(str, words)]).exception
    assert isinstance(error, HeadwaterError)
    return error


def test_an_unknown_contender_is_refused_before_a_file_is_read(tmp_path: Path) -> None:
    said = refusal("prequential", "--events", tmp_path / "no.csv", "--contender", "best")
    assert "'best'" in str(said) or "best" in str(said)
    assert isinstance(said, BadSetting)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = refusal("prequential", "--events", tmp_path / "no.csv", "--contender", "popularity")
    assert "no.csv" in str(said)


def test_items_of_another_data_set_are_refused(events: Path, items: Path) -> None:
    items.write_text("item_id,title\ndune,Dune\n")
    with pytest.raises(SetupError, match=r"none of its 1 items is in .*events\.csv"):
        call("prequential", "--events", events, "--items", items)


def test_a_delay_that_is_none_is_refused(events: Path) -> None:
    said = refusal(
        "prequential", "--events", events, "--contender", "popularity", "--delay", "soon"
    )
    assert "1h" in str(said)


def test_nothing_to_score_is_said(events: Path) -> None:
    said = refusal(
        "prequential", "--events", events, "--contender", "popularity", "--sample", "0.0001",
        "--n-max", "5",
    )  # fmt: skip
    assert isinstance(said, SetupError)
    assert "nothing to score" in str(said)
    assert "--warm" in str(said)


def test_no_option_is_named_that_the_command_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "again.csv"
    rows = [f"u{user},i{k % 2},{k}" for user in range(3) for k in range(4)]
    path.write_text("\n".join(["user_id,item_id,timestamp", *rows, ""]))
    said = refusal("leave-one-out", "--events", path, "--contender", "popularity")
    assert "nothing to score in 12 events, 3 of them not new to the user" in str(said)
    assert "--warm" not in str(said)


def test_no_event_with_enough_stars_is_said(events: Path) -> None:
    said = refusal(
        "prequential", "--events", events, "--contender", "popularity", "--min-value", "9"
    )
    assert "9" in str(said)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0.0), ("90", 90.0), ("1m", 60.0), ("1h", 3600.0), ("2d", 172800.0)]
)
def test_a_delay_is_a_time_with_a_unit(text: str, seconds: float) -> None:
    assert parse_delay(text) == seconds
