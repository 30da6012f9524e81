"""
The command `headwater`: our commands, and those that other packages bring.

A package brings one by an entry point of the group `headwater.commands` that names a Typer app.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points

import typer

from agents.commands.broker import broker
from agents.commands.budget import budget
from agents.commands.doctor import doctor
from agents.commands.forget import forget
from agents.commands.ingest import ingest
from agents.commands.preferences import preferences
from agents.commands.rebuild import rebuild
from agents.commands.replay import replay
from agents.commands.surroundings import set_up_logging
from agents.commands.tail import tail
from agents.commands.topics import topics
from agents.commands.up import up
from agents.commands.why import why
from agents.commands.worker import worker
from agents.consuming import EXIT_SETUP
from streams.errors import HeadwaterError, SetupError

PLUGINS = "headwater.commands"
"""The group of the entry points."""
_ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def begin() -> None:
    """Headwater: clicks in, ranked and explained slates out, in milliseconds."""
    set_up_logging()


app.command()(up)
app.command()(worker)
app.command()(broker)
app.command()(tail)
app.command()(why)
app.command()(preferences)
app.command()(forget)
app.command()(replay)
app.command()(doctor)
app.command()(budget)
app.add_typer(topics, name="topics")
app.add_typer(ingest, name="ingest")
app.add_typer(rebuild, name="rebuild")


def main() -> None:
    """Run a command; what we raise on purpose is a sentence and an exit code, not a traceback."""
    mount(app, entry_points(group=PLUGINS))
    try:
        app()
    except SetupError as error:
        sys.exit(_say(error, EXIT_SETUP))
    except HeadwaterError as error:
        sys.exit(_say(error, 1))


def mount(onto: typer.Typer, plugins: Iterable[EntryPoint]) -> None:
    """
    Add the commands that others bring; one that cannot be loaded says so when it is called.

    They are imported even for `headwater --help`, so their modules must be light.
    """
    for plugin in plugins:
        try:
            found = plugin.load()
        except (ImportError, AttributeError, SyntaxError) as exc:
            _mount_broken(onto, plugin, str(exc))
            continue
        if isinstance(found, typer.Typer):
            onto.add_typer(found, name=plugin.name)
        else:
            _mount_broken(onto, plugin, "not a Typer app")


def _mount_broken(onto: typer.Typer, plugin: EntryPoint, reason: str) -> None:
    text = f"{plugin.name}: cannot be loaded from {plugin.value}: {reason}"
    onto.command(plugin.name, help=text, context_settings=_ANYTHING)(_refusing(text))


def _refusing(text: str) -> Callable[[], None]:
    def refuse() -> None:
        raise SetupError(f"{text}; install the package that brings it again")

    return refuse


def _say(error: HeadwaterError, code: int) -> int:
    typer.echo(f"headwater: {error}", err=True)
    return code


if __name__ == "__main__":
    main()
