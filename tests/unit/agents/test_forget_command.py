"""The report says what is current, what is left and until when, and is honest about both."""

import json

import pytest
import typer
from rich.console import Console

from agents.commands.forget import Report, draw, report_object, tell, verdict
from agents.traces import Trace
from streams.origins import Origin

GONE = Trace("profiles", left=2, removals=1, newest=1e9)
HELD = Trace("profiles", held=1, what="a profile with 3 interactions")


def report(*traces: Trace, sent: bool = False, before: tuple[Trace, ...] = ()) -> Report:
    return Report(
        user_id="[b]ann\x1b[31m",
        sent=[Origin("events", 2, 120)] if sent else [],
        before={trace.place: trace for trace in before},
        traces=traces,
        goes={"profiles": "by tomorrow"},
    )


def text_of(shown: Report) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(draw(shown))
    console.print(verdict(shown))
    console.file.close()
    return console.export_text()


def test_what_is_left_is_shown_with_when_it_goes_and_is_not_called_nothing() -> None:
    text = text_of(report(GONE))
    assert "2, 1 of them only say so" in text
    assert "by tomorrow" in text
    assert "2 records are still in logs" in text
    assert "nothing of user" not in text


def test_what_is_still_held_is_shown_and_said() -> None:
    text = text_of(report(HELD))
    assert "1: a profile with 3 interactions" in text
    assert "is still known: profiles" in text


def test_after_sending_what_was_held_before_stands_beside_it() -> None:
    text = text_of(report(GONE, sent=True, before=(HELD,)))
    assert "current state before" in text
    assert "1: a profile with 3 interactions" in text


def test_nothing_at_all_is_said_to_be_nothing() -> None:
    assert "nothing of user" in text_of(report(Trace("profiles")))


def test_ids_and_places_are_text_and_steer_neither_terminal_nor_markup() -> None:
    text = text_of(report(Trace("[b]x\x1b", held=1, what="\x1b[31m")))
    assert "\x1b" not in text
    assert "[b]ann" in text


def test_the_json_object_has_counts_before_and_after_and_where_the_wish_stands() -> None:
    found = json.loads(json.dumps(report_object(report(GONE, sent=True, before=(HELD,)))))
    assert (found["forgotten"], found["sent"]) == (True, ["events-2-120"])
    (place,) = found["places"]
    assert (place["held_before"], place["held"], place["left"]) == (1, 0, 2)
    assert place["left_goes"] == "by tomorrow"


@pytest.mark.parametrize("as_json", [True, False])
def test_the_exit_code_is_0_when_nothing_is_held_and_else_1(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    tell(report(GONE), as_json=as_json)
    with pytest.raises(typer.Exit) as ended:
        tell(report(GONE, HELD), as_json=as_json)
    assert ended.value.exit_code == 1
    assert "profiles" in capsys.readouterr().out
