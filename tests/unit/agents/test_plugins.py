"""Other packages bring commands; a broken one says so and spoils no other."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agents.__main__ import PLUGINS, mount
from streams.errors import SetupError

MODULE = """
import typer
app = typer.Typer(help="Says hello.")
@app.command()
def hello() -> None: typer.echo("hello")
@app.command()
def goodbye() -> None: typer.echo("goodbye")
number = 7
"""


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    (tmp_path / "bringing_hello.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    app = typer.Typer()
    app.command("ours")(lambda: typer.echo("ours"))
    return app


def plugin(value: str) -> EntryPoint:
    return EntryPoint(name="greet", value=value, group=PLUGINS)


def test_a_command_of_another_package_is_called(base: typer.Typer) -> None:
    mount(base, [plugin("bringing_hello:app")])
    assert CliRunner().invoke(base, ["greet", "hello"]).stdout == "hello\n"


def test_help_names_it(base: typer.Typer) -> None:
    mount(base, [plugin("bringing_hello:app")])
    assert "Says hello." in CliRunner().invoke(base, ["--help"]).stdout


@pytest.mark.parametrize("value", ["no_such:app", "bringing_hello:no", "bringing_hello:number"])
def test_one_that_cannot_be_loaded_says_so_when_it_is_called(base: typer.Typer, value: str) -> None:
    mount(base, [plugin(value)])
    error = CliRunner().invoke(base, ["greet", "hello", "--json"]).exception
    assert isinstance(error, SetupError)
    assert value in str(error)


def test_one_that_cannot_be_loaded_spoils_no_other(base: typer.Typer) -> None:
    mount(base, [plugin("no_such:app")])
    assert CliRunner().invoke(base, ["ours"]).stdout == "ours\n"
