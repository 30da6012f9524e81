"""What a replay came to is shown whole, short, and with the right exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
import typer
from rich.console import Console

from agents.app import group_of
from agents.commands.replay import fold_all, rules_of, tell, trend_groups
from agents.differences import Difference, Named
from agents.outcome import MOST_DIFFERENCES, Outcome, draw, outcome_object
from agents.replaying import Replaying
from agents.roles import ROLES
from agents.settings import Settings
from agents.spans import END, Place, Span, find_span
from agents.stored import Store
from agents.testing import SmallLog
from agents.verifying import Verdict
from streams.errors import BadSetting
from streams.events import Interaction, encode_event
from streams.profiles import Profile, decode_profile
from streams.topics import Topics

SPAN = Span({0: 0, 1: 5}, {0: 10, 1: 9}, {0: 10, 1: 9})
PLAIN = Outcome(SPAN, folded=12, rejected=2, profiles=3, trends=4, seconds=2.0, verdict=None)
NONE = Verdict(trends_settled=True, uncommitted=0)
WRONG = Difference(Named("profiles", "[b]ann\x1b[31m", 0), Profile(offset=1), None)


def text_of(outcome: Outcome) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(draw(outcome))
    console.file.close()
    return console.export_text()


def verified(**fields: object) -> Outcome:
    verdict = replace(NONE, **fields)  # type: ignore[arg-type]
    return replace(PLAIN, verdict=verdict)


def test_it_says_how_much_was_folded_how_fast_and_from_where_to_where() -> None:
    text = text_of(PLAIN)
    assert "12 events in 2.0 s, 7 a second" in text
    assert "2 records that are no events" in text
    assert "0:0 to 0:10, 1:5 to 1:9" in text
    assert "3 profiles, 4 trends" in text
    assert "differences" not in text


def test_none_is_said_where_there_is_none() -> None:
    text = text_of(verified(compared={"profiles": 3, "item-trends": 4}))
    assert "3 of profiles, 4 of item-trends" in text
    assert "differences: none" in text
    for word in ("older", "newer", "waiting", "unsettled"):
        assert word not in text


def test_what_was_not_compared_and_what_was_not_awaited_is_said() -> None:
    names = [Named("profiles", f"user-{n}", 0) for n in range(9)]
    text = text_of(verified(older=names, newer=names[:1], uncommitted=1_234, trends_settled=False))
    assert "9 not compared, has events from before what was folded: profiles 'user-0'" in text
    assert "user-8" not in text
    assert "1 not compared, may have events from after what was folded" in text
    assert "1,234 events at the log's end were not committed yet" in text
    assert "trends were still behind profiles" in text
    assert "compared   nothing" in text


def test_differences_are_text_and_no_more_than_fit_on_a_screen() -> None:
    text = text_of(verified(differences=[WRONG] * (MOST_DIFFERENCES + 5)))
    assert "\x1b" not in text
    assert "'[b]ann" in text
    assert text.count("there should be none") == MOST_DIFFERENCES
    assert "and 5 more: --json has all of them" in text


def test_the_json_object_has_every_difference_and_every_value_not_compared() -> None:
    many = [Named("profiles", f"user-{n}", 0) for n in range(9)]
    outcome = verified(differences=[WRONG] * 50, older=many, compared={"profiles": 50})
    found = json.loads(json.dumps(outcome_object(outcome)))
    assert (found["events"], found["rejected"], found["events_per_second"]) == (12, 2, 7)
    assert (found["from"], found["to"]) == ({"0": 0, "1": 5}, {"0": 10, "1": 9})
    assert len(found["verify"]["differences"]) == 50
    assert found["verify"]["compared"] == {"profiles": 50}
    assert found["verify"]["older"][8] == {"topic": "profiles", "key": "user-8", "partition": 0}
    assert outcome_object(PLAIN)["verify"] is None


@pytest.mark.parametrize("as_json", [True, False])
def test_the_exit_code_is_1_only_when_something_differs(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    tell(PLAIN, as_json=as_json)
    tell(verified(older=[Named("profiles", "ann", 0)], trends_settled=False), as_json=as_json)
    with pytest.raises(typer.Exit) as ended:
        tell(verified(differences=[WRONG]), as_json=as_json)
    assert ended.value.exit_code == 1
    assert "ann" in capsys.readouterr().out


def test_every_group_that_may_fold_trends_is_asked() -> None:
    settings = Settings(topic_prefix="shop.")
    chosen = [c for n in range(1, len(ROLES) + 1) for c in combinations(ROLES, n)]
    possible = {
        group_of(settings, roles)
        for roles in chosen
        if "trending" in roles and ("profiling" in roles) == ("recommending" in roles)
    }
    assert set(trend_groups(settings)) == possible


def test_what_the_folds_go_by_is_what_a_worker_is_set_to() -> None:
    settings = Settings.model_validate(
        {
            "events": {"gains": {"click": 3.0}, "max_ahead": 60, "max_bytes": 500},
            "slates": {"popularity_half_life_days": 2},
        }
    )
    rules = rules_of(settings)
    assert (rules.gains.actions, rules.max_ahead, rules.max_bytes) == ({"click": 3.0}, 60.0, 500)
    assert rules.half_life == 2 * 86_400.0


def _log(*users: str) -> SmallLog:
    log = SmallLog("events", partitions=2)
    for user in users:
        event = Interaction(user_id=user, item_id="dune", action="click", at=0.0)
        log.append(user.encode(), encode_event(event), partition=len(user) % 2)
    return log


async def _folded(log: SmallLog, *, drop: int = 0) -> tuple[Replaying, Span]:
    """The whole log folded, of which so many records went while it was begun with."""
    await log.start()
    span = await find_span(log, Place(), Place(elsewhere=END))
    log.records = log.records[drop:]
    replaying = Replaying(Topics(prefix="", partitions=2), rules_of(Settings()))
    steps: list[tuple[int, int | None]] = []
    found = await fold_all(
        log, replaying, span, on_step=lambda what, done, total: steps.append((done, total))
    )
    assert sum(done for done, _ in steps) == len(log.records)
    assert {total for _, total in steps} == {span.size}
    return replaying, found


async def test_a_span_is_folded_whole() -> None:
    replaying, span = await _folded(_log("ann", "ann", "evie"))
    assert replaying.folded == 3
    assert span.starts == {0: 0, 1: 0}


async def test_records_that_went_before_they_were_read_make_the_span_begin_later() -> None:
    replaying, span = await _folded(_log("ann", "ann", "evie"), drop=1)
    assert replaying.folded == 2
    assert span.starts == {0: 0, 1: 1}


async def test_the_fresh_state_can_be_written_to_be_looked_at(tmp_path: Path) -> None:
    replaying, _ = await _folded(_log("zoe", "ann", "evie", "ann"))
    Store(tmp_path / "new" / "folder").write(replaying)
    rows = [
        json.loads(line)
        for line in (tmp_path / "new/folder/profiles.jsonl").read_text().splitlines()
    ]
    assert [(row["partition"], row["user_id"]) for row in rows] == [
        (0, "evie"),
        (1, "ann"),
        (1, "zoe"),
    ]
    ann = decode_profile(json.dumps(rows[1]["profile"]).encode())
    assert (ann.counters, ann.offset) == ({"click": 2}, 2)
    (trend,) = (tmp_path / "new/folder/item-trends.jsonl").read_text().splitlines()
    assert json.loads(trend)["item_id"] == "dune"
    assert json.loads(trend)["trend"]["interactions"] == 4


@pytest.mark.parametrize("name", ["profiles.jsonl", "item-trends.jsonl"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(BadSetting, match=rf"^--out .*: {name} is there already"):
        Store(tmp_path)
    assert (tmp_path / name).read_text() == "precious"


async def test_what_somebody_wrote_meanwhile_is_not_overwritten_either(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "item-trends.jsonl").write_text("precious")
    replaying, _ = await _folded(_log("ann"))
    with pytest.raises(BadSetting, match=r"^--out .*File exists"):
        store.write(replaying)
    assert (tmp_path / "item-trends.jsonl").read_text() == "precious"


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match=r"^--out .*, expected a folder"):
        Store(tmp_path / "file")
