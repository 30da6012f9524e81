"""`headwater up`: the main job in one go."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from agents.capacity import CatalogueSize, Sizes, additions_of, check_fits
from agents.commands.processes import Check, running
from agents.commands.surroundings import find_broker, run
from agents.driving import Crowd, Driver, replay
from agents.feeding import Parcel
from agents.scraping import Figures, scrape
from agents.screen import draw
from agents.settings import Settings, load_settings
from agents.tally import Tally, summary
from examples import books_file
from streams.errors import CapacityExceeded, SetupError
from streams.events import Interaction
from streams.files import read_items, write_aside
from streams.items import Item, encode_item
from streams.movielens import load_catalogue, load_ratings
from streams.rows import BadRow

DRAIN_PATIENCE = 60.0
"""Seconds that what is under way at the end may take to be answered."""
SCRAPE_INTERVAL = 0.5
BROKEN_OFF = 130
"""The exit code of what Ctrl-C has ended."""
REFRESH = 4
"""Times a second that the view is drawn."""
EMBEDDED_NOTE = (
    "Embedded broker: in memory, 5 MiB a partition, for a first look. "
    "Set HEADWATER_BROKER=host:port for Apache Kafka. Ctrl-C ends it."
)


@dataclass(frozen=True, slots=True)
class Job:
    """What to run."""

    name: str
    catalogue: Mapping[str, Item]
    history: Sequence[Interaction]
    """Empty for simulated users."""
    seconds: float | None
    speed: float | None
    users: int
    rate: float
    seed: int


def up(  # noqa: PLR0917 - one parameter per option is how Typer reads them
    data: Annotated[
        str | None,
        typer.Option(metavar="movielens", help="Replay a data set instead of simulated users."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where the data set is.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--for", min=1, help="Stop after driving users for so many seconds."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="No view; one JSON object at the end.")
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, help="Seconds of the past per second; flat out without."),
    ] = None,
    users: Annotated[int, typer.Option(min=1, help="Simulated users at a time.")] = 50,
    rate: Annotated[float, typer.Option(min=0.1, help="Their visits per second.")] = 15.0,
    seed: Annotated[int, typer.Option(help="Another seed is another crowd.")] = 1,
    model_test_server: Annotated[
        bool,
        typer.Option(
            "--model-test-server",
            help="Refine slates with a model server that comes along, to see both revisions.",
        ),
    ] = False,
) -> None:
    """
    Start broker, worker, metrics and page, load a catalogue, drive users, and show it live.

    Ctrl-C ends it.  With HEADWATER_BROKER=host:port it runs on that Kafka instead of the embedded
    broker.  A replay also ends when its data do.

    With --model-test-server a small server on this machine plays the language model: second
    revisions arrive a second after the first ones, in the view and in the figures.

    Examples: headwater up --for 60 --json; headwater up --model-test-server;
    headwater up --data movielens DIR --speed 1000000
    """
    settings = load_settings()
    settings.known_strategies()
    job = read_job(data, folder, seconds=seconds, speed=speed, users=users, rate=rate, seed=seed)
    _report(_carry_out(settings, job, show=not as_json, model=model_test_server), as_json=as_json)


def _carry_out(settings: Settings, job: Job, *, show: bool, model: bool) -> dict[str, Any]:
    """Start what is needed, and drive users until the end: the figures."""
    if settings.embedded:
        settings = _with_room(settings, job)
    typer.echo(f"starting: {job.name}, {len(job.catalogue):,} items …", err=True)
    with (
        _model(settings, wanted=model) as more,
        running(settings, more, gateway=show) as (inner, port, check),
    ):
        try:
            return run(_main(inner, job, port, check, show=show))
        except asyncio.CancelledError:
            typer.echo("broken off before everything was answered: no figures", err=True)
            raise typer.Exit(BROKEN_OFF) from None


def _report(result: Mapping[str, Any], *, as_json: bool) -> None:
    """
    Print the figures.

    Raises:
        SetupError: Events were lost.
    """
    if as_json:
        typer.echo(json.dumps(result))
    else:
        Console().print_json(data=dict(result))
    if (lost := result["events_in"] - result["events_folded"] - result["dead_letters"]) > 0:
        raise SetupError(
            f"{lost} of {result['events_in']} events were not dealt with {DRAIN_PATIENCE:g} s "
            "after the last: the worker is too slow or has stopped"
        )


def _with_room(settings: Settings, job: Job) -> Settings:
    """
    Refuse a catalogue that the embedded broker would drop parts of.

    Returns:
        The settings; where there is room for the catalogue alone, nothing is added to its items.

    Raises:
        CapacityExceeded: It is too large; the message says the way out.
    """
    try:
        check_fits({}, _sizes(settings, job, additions=additions_of(settings)))
    except CapacityExceeded:
        check_fits({}, _sizes(settings, job, additions=0))
        typer.echo("no room on the embedded broker for keywords and summaries of items", err=True)
        off = settings.enhance.model_copy(update={"items": "off"})
        return settings.model_copy(update={"enhance": off})
    return settings


def _sizes(settings: Settings, job: Job, *, additions: int) -> Sizes:
    size = CatalogueSize(settings.topics(), additions=additions)
    for number, item in enumerate(job.catalogue.values(), start=1):
        size.add(Parcel(number, item.item_id.encode(), encode_item(item)))
    return size.sizes


def _model(settings: Settings, *, wanted: bool) -> AbstractContextManager[Mapping[str, str]]:
    """What the worker's environment needs to ask the server that comes along."""
    if not wanted:
        return nullcontext({})
    from agents.commands.model_test_server import model_test_server as serving

    return serving(settings)


def read_job(data: str | None, folder: Path | None, **options: Any) -> Job:
    """
    Read what is to be run.

    Raises:
        SetupError: An unknown data set, no folder, or files missing in it.
    """
    if data is None:
        if folder is not None:
            raise SetupError(f"{folder}: say what it holds, as --data movielens {folder}")
        items = [item for item in read_items(books_file()) if not isinstance(item, BadRow)]
        return Job("simulated readers of books", _by_id(items), (), **options)
    if data != "movielens":
        raise SetupError(f"--data {data}: expected movielens")
    if folder is None:
        raise SetupError("--data movielens: give the folder with movies.csv and ratings.csv")
    return _read_movielens(folder, **options)


def _read_movielens(folder: Path, **options: Any) -> Job:
    """Films in the order of their first rating, as a catalogue that grows."""
    films, ratings = load_catalogue(folder), load_ratings(folder)
    aside = write_aside(Path.cwd() / "movielens")
    for row in (*films.bad, *ratings.bad):
        aside.add(row)
    if aside.count:
        typer.echo(f"{aside.count} bad rows put into {aside.path}", err=True)
    catalogue = _by_id(films.records)
    rated = dict.fromkeys(event.item_id for event in ratings.records)
    ordered = {i: catalogue[i] for i in rated if i in catalogue} | catalogue
    return Job(f"replay of {folder}", ordered, ratings.records, **options)


def _by_id(items: Sequence[Item]) -> dict[str, Item]:
    return {item.item_id: item for item in items}


async def _main(
    settings: Settings, job: Job, port: int, check: Check, *, show: bool
) -> dict[str, Any]:
    broker = await find_broker(settings)
    tally = Tally()
    driver = Driver(broker, settings.topics(), tally)
    stop = asyncio.Event()
    _end_on_signals(stop)
    view = asyncio.create_task(_show(job, tally, port, settings)) if show else None
    async with driver.running():
        loading = asyncio.create_task(driver.load(job.catalogue.values()))
        driving = asyncio.create_task(_drive(driver, job, loading, embedded=settings.embedded))
        await _first(driving, stop, job.seconds, tally, check)
        for task in (driving, loading):
            task.cancel()
        await asyncio.gather(driving, loading, return_exceptions=True)
        seconds = tally.seconds()
        figures = await _drained(driver, port, check)
    if view is not None:
        view.cancel()
        with suppress(asyncio.CancelledError):
            await view
    return summary(tally, figures, seconds=seconds)


def _end_on_signals(stop: asyncio.Event) -> None:
    """The first asks for an end with what is under way answered; the second does not wait."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def end() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)


async def _drive(driver: Driver, job: Job, loading: asyncio.Task[None], *, embedded: bool) -> None:
    if job.history:
        driver.tally.start_clock()
        await replay(driver, job.history, speed=job.speed)
        await loading
        return
    await loading
    await driver.items.drained(DRAIN_PATIENCE)
    run_name = "" if embedded else f"{int(time.time()):x}-"
    crowd = Crowd(driver, job.catalogue, users=job.users, seed=job.seed, run=run_name)
    driver.tally.start_clock()
    await crowd.live(rate=job.rate)


async def _first(
    driving: asyncio.Task[None],
    stop: asyncio.Event,
    seconds: float | None,
    tally: Tally,
    check: Check,
) -> None:
    """Return when the data end, the time is up, or somebody says stop."""
    stopping = asyncio.create_task(stop.wait())
    while not driving.done() and not stopping.done():
        check()
        if seconds is not None and tally.seconds() >= seconds:
            break
        await asyncio.wait((driving, stopping), timeout=0.1, return_when="FIRST_COMPLETED")
    stopping.cancel()
    if driving.done() and not driving.cancelled():
        driving.result()


async def _drained(driver: Driver, port: int, check: Check) -> Figures:
    """Let the worker deal with what was sent; its figures then."""
    deadline = time.monotonic() + DRAIN_PATIENCE
    while not await driver.events.drained(1.0) and time.monotonic() < deadline:
        check()
    deadline = time.monotonic() + DRAIN_PATIENCE
    while True:
        check()
        figures = await asyncio.to_thread(scrape, port)
        folded = figures.total("headwater_events_folded_total")
        done = folded + driver.tally.dead_letters >= driver.tally.events_in
        if done or time.monotonic() > deadline:
            return figures
        await asyncio.sleep(0.1)


async def _show(job: Job, tally: Tally, port: int, settings: Settings) -> None:
    where = EMBEDDED_NOTE if settings.embedded else f"Kafka at {settings.broker}. Ctrl-C ends it."
    notes = f"page http://{settings.gateway.host}:{settings.gateway.port}\n{where}"
    title = f"headwater · {job.name}"
    with Live(refresh_per_second=REFRESH, screen=False) as live:
        while True:
            figures = await asyncio.to_thread(scrape, port)
            live.update(draw(tally, figures, job.catalogue, title=title, notes=notes))
            await asyncio.sleep(SCRAPE_INTERVAL)
