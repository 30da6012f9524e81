"""
The command `headwater`: our commands, and those that other packages bring.

A package brings one by an entry point of the group `headwater.commands` that names a Typer app.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final

import typer

from agents.commands.surroundings import set_up_logging
from agents.consuming import EXIT_SETUP
from streams.errors import HeadwaterError, SetupError

PLUGINS = "headwater.commands"
"""The group of the entry points."""
_ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True}

COMMANDS: Final = (
    *("up", "worker", "broker", "tail", "why", "preferences", "forget", "replay", "doctor"),
    "budget",
)
"""Each is a function in the module of its name."""
GROUPS: Final = ("topics", "ingest", "rebuild")
"""Each is a Typer app in the module of its name."""
ALL: Final = (*COMMANDS, *GROUPS)


def begin() -> None:
    """Headwater: clicks in, ranked and explained slates out, in milliseconds."""
    set_up_logging()


def app_of(names: Collection[str]) -> typer.Typer:
    """The command with these sub-commands; no others are imported."""
    made = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    made.callback()(begin)
    for name in ALL:
        if name in names:
            found = getattr(import_module(f"agents.commands.{name}"), name)
            if name in COMMANDS:
                made.command()(found)
            else:
                made.add_typer(found, name=name)
    return made


def asked_for(arguments: Sequence[str]) -> Collection[str]:
    """
    The sub-commands to import: the one that is named first, all of them where none of ours is.

    A worker starts half a second sooner without the others.

    >>> asked_for(["worker", "--roles", "trending"]), asked_for(["--help"]) == ALL
    (('worker',), True)
    """
    first = arguments[0] if arguments else ""
    return (first,) if first in ALL else ALL


def main() -> None:
    """Run a command; what we raise on purpose is a sentence and an exit code, not a traceback."""
    names = asked_for(sys.argv[1:])
    app = app_of(names)
    if names == ALL:
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

    They are imported for `headwater --help`, so their modules must be light.
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
