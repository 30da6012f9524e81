"""The command `headwater`."""

from __future__ import annotations

import sys

import typer

from agents.commands.broker import broker
from agents.commands.doctor import doctor
from agents.commands.forget import forget
from agents.commands.ingest import ingest
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
app.command()(forget)
app.command()(replay)
app.command()(doctor)
app.add_typer(topics, name="topics")
app.add_typer(ingest, name="ingest")
app.add_typer(rebuild, name="rebuild")


def main() -> None:
    """Run a command; what we raise on purpose is a sentence and an exit code, not a traceback."""
    try:
        app()
    except SetupError as error:
        sys.exit(_say(error, EXIT_SETUP))
    except HeadwaterError as error:
        sys.exit(_say(error, 1))


def _say(error: HeadwaterError, code: int) -> int:
    typer.echo(f"headwater: {error}", err=True)
    return code


if __name__ == "__main__":
    main()
