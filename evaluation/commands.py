"""
`headwater evaluate …`: what the recommender is worth, on files of what people did.

Nothing heavy is imported before a command runs, so that `headwater --help` stays fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation.command_options import (
    AsJson,
    Delay,
    Events,
    Items,
    MinValue,
    NMax,
    PlotFile,
    Sample,
    Seed,
    Strategy,
    Texts,
    Warm,
    Who,
)
from evaluation.language_commands import cache, explanations, llm, redaction

if TYPE_CHECKING:
    from evaluation.sessions import Job, Method

app = typer.Typer(
    help="Measure what the recommender is worth, on files of what people did.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

for command in (explanations, llm, redaction, cache):
    app.command()(command)

ENGINE = "headwater"
PEERS = (
    "headwater,numpy-sum,item-knn,skip-markov,decayed-popularity,popularity,implicit-als,"
    "river-mf,flurs-mf"
)


@app.command()
def prequential(
    events: Events,
    *,
    items: Items = None,
    strategy: Strategy = None,
    contender: Who = ENGINE,
    warm: Warm = 0.2,
    sample: Sample = 1.0,
    seed: Seed = 0,
    delay: Delay = "0s",
    min_value: MinValue = None,
    n_max: NMax = None,
    plot: PlotFile = None,
    as_json: AsJson = False,
) -> None:
    """
    Before each event rank all items the user has not had, then learn it.

    The first events, --warm of them, are only learned.  An event whose item the user has had is
    learned and not scored.

    Example: headwater evaluate prequential --events ratings.csv --items movies.csv --min-value 4
    """
    from evaluation.prequential import prequential as method
    from evaluation.sessions import Job

    job = Job(
        events, items, strategy, warm, sample, seed, delay=delay, min_value=min_value, n_max=n_max
    )
    _evaluate(job, method, contender, plot, as_json=as_json)


@app.command()
def leave_one_out(
    events: Events,
    *,
    items: Items = None,
    strategy: Strategy = None,
    contender: Who = ENGINE,
    sample: Sample = 1.0,
    seed: Seed = 0,
    min_value: MinValue = None,
    n_max: NMax = None,
    as_json: AsJson = False,
) -> None:
    """
    Learn all but the last event of each user, then rank all items for it.

    The protocol of papers.  It learns what others did later, so its figures are no promise for a
    stream.

    Example: headwater evaluate leave-one-out --events ratings.csv --json
    """
    from evaluation.leave_one_out import leave_one_out as method
    from evaluation.sessions import Job

    job = Job(events, items, strategy, 0.0, sample, seed, min_value=min_value, n_max=n_max)
    _evaluate(job, method, contender, None, as_json=as_json)


@app.command()
def next_basket(
    events: Events,
    *,
    items: Items = None,
    strategy: Strategy = None,
    contender: Who = ENGINE,
    warm: Warm = 0.2,
    sample: Sample = 1.0,
    seed: Seed = 0,
    n_max: NMax = None,
    as_json: AsJson = False,
) -> None:
    """
    Before each basket but a user's first rank all items, repeats included, then learn it.

    Needs the column basket_id.  Recall is the share of the basket that was found.

    Example: headwater evaluate next-basket --events events.csv.gz --items items.csv
    """
    from evaluation.next_basket import next_basket as method
    from evaluation.sessions import Job

    job = Job(events, items, strategy, warm, sample, seed, n_max=n_max, baskets=True)
    _evaluate(job, method, contender, None, as_json=as_json)


@app.command()
def compare(
    events: Events,
    *,
    items: Items = None,
    strategy: Strategy = None,
    peers: Annotated[
        str, typer.Option(metavar="A,B,…", help="Who takes part, the first is the measure.")
    ] = PEERS,
    warm: Warm = 0.2,
    sample: Sample = 1.0,
    seed: Seed = 0,
    delay: Delay = "0s",
    min_value: MinValue = None,
    n_max: NMax = None,
    plot: PlotFile = None,
    as_json: AsJson = False,
) -> None:
    """
    Replay the same events, as prequential does, for the engine and its peers.

    A peer whose library is not installed is left out and said.

    Example: headwater evaluate compare --events ratings.csv --sample 0.1 --plot peers.svg
    """
    from evaluation.prequential import prequential as method
    from evaluation.reports import draw_course, say_comparison
    from evaluation.sessions import Job, check_names, load_stream, replay_all

    names = check_names(peers)
    _check_plot(plot)
    job = Job(
        events, items, strategy, warm, sample, seed, delay=delay, min_value=min_value, n_max=n_max
    )
    job.rules()
    outcomes = replay_all(job, load_stream(job), method, names=names)
    draw_course(plot, outcomes)
    say_comparison(outcomes, "side by side", as_json=as_json)


@app.command()
def freshness(
    events: Events,
    *,
    items: Items = None,
    strategy: Strategy = None,
    contender: Who = ENGINE,
    delays: Annotated[
        str, typer.Option(metavar="A,B,…", help="Times until an event is learned.")
    ] = "0s,1m,1h,1d,frozen",
    warm: Warm = 0.2,
    sample: Sample = 1.0,
    seed: Seed = 0,
    min_value: MinValue = None,
    n_max: NMax = None,
    plot: PlotFile = None,
    as_json: AsJson = False,
) -> None:
    """
    What it costs to learn late: prequential once for each delay, and one curve.

    Example: headwater evaluate freshness --events ratings.csv --sample 0.2 --plot freshness.svg
    """
    from evaluation.prequential import prequential as method
    from evaluation.reports import draw_freshness, say_delays
    from evaluation.sessions import Job, load_stream, replay_delays

    _check_plot(plot)
    job = Job(events, items, strategy, warm, sample, seed, min_value=min_value, n_max=n_max)
    wanted = [delay.strip() for delay in delays.split(",") if delay.strip()]
    outcomes = replay_delays(job, load_stream(job), method, delays=wanted, name=contender)
    draw_freshness(plot, outcomes)
    say_delays(outcomes, as_json=as_json)


@app.command()
def diversity(
    events: Events,
    *,
    items: Texts,
    strategy: Strategy = None,
    levels: Annotated[
        str, typer.Option(metavar="A,B,…", help="Shares of diversity; the first is the measure.")
    ] = "0,0.1,0.2,0.3,0.5,0.7",
    warm: Warm = 0.2,
    sample: Sample = 1.0,
    seed: Seed = 0,
    min_value: MinValue = None,
    n_max: NMax = None,
    plot: PlotFile = None,
    as_json: AsJson = False,
) -> None:
    """
    What diversity costs: prequential once for each share, ranked as slates show it, and one curve.

    Example: headwater evaluate diversity --events ratings.csv --items movies.csv --sample 0.2
    """
    from evaluation.prequential import prequential as method
    from evaluation.reports import draw_diversity, say_levels
    from evaluation.sessions import Job, load_stream, parse_levels, replay_levels

    _check_plot(plot)
    wanted = parse_levels(levels)
    job = Job(events, items, strategy, warm, sample, seed, min_value=min_value, n_max=n_max)
    outcomes = replay_levels(job, load_stream(job), method, levels=wanted)
    draw_diversity(plot, outcomes)
    say_levels(outcomes, as_json=as_json)


def _evaluate(
    job: Job, method: Method, contender: str, plot: Path | None, *, as_json: bool
) -> None:
    """The way of all commands that have one contender."""
    from evaluation.reports import draw_course, say_outcome
    from evaluation.sessions import check_names, load_stream, replay_one

    check_names(contender)
    _check_plot(plot)
    job.rules()
    outcome = replay_one(job, load_stream(job), method, name=contender)
    draw_course(plot, [outcome])
    say_outcome(outcome, as_json=as_json)


def _check_plot(plot: Path | None) -> None:
    from evaluation.plots import check_plot

    check_plot(plot)
