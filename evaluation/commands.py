"""
`headwater evaluate …`: what the recommender is worth, on files of what people did.

Nothing heavy is imported before a command runs, so that `headwater --help` stays fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evaluation.sessions import Job, Method

app = typer.Typer(
    help="Measure what the recommender is worth, on files of what people did.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Events = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="What people did: CSV, tab separated (.tsv, .inter), JSON Lines (all also .gz) or "
        "Parquet, with the columns user_id, item_id, timestamp[, value][, basket_id].",
    ),
]
Items = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The catalogue: item_id, title[, description][, genres][, year][, tags].",
    ),
]
Texts = Annotated[
    Path,
    typer.Option(
        "--items", metavar="FILE", help="The catalogue; by its texts items are unlike or not."
    ),
]
Strategy = Annotated[
    str | None, typer.Option(metavar="NAME", help="The engine's way of building slates.")
]
Who = Annotated[
    str,
    typer.Option("--contender", metavar="NAME", help="What is evaluated: the engine or a peer."),
]
Warm = Annotated[
    float, typer.Option(min=0.0, max=0.99, help="Share of the stream that is only learned.")
]
Sample = Annotated[
    float,
    typer.Option(min=0.0001, max=1.0, help="Share that is scored; all is learned all the same."),
]
Seed = Annotated[int, typer.Option(min=0, help="Of equal times, samples and intervals.")]
Delay = Annotated[
    str,
    typer.Option(
        metavar="0s|1m|1h|frozen", help="Time until an event is learned; frozen: warm part only."
    ),
]
MinValue = Annotated[
    float | None, typer.Option(metavar="STARS", help="Leave out events of a lower value.")
]
NMax = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Take only the first N events of the stream.")
]
PlotFile = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE.png|svg", help="Draw the result.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")]

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


@app.command()
def redaction(
    sentences: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Labelled sentences; pii/sentences.json of the data."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    What is removed from sentences before they leave the process, by kind.

    Of the file that the rules were written on, half of the templates were not looked at; their
    figures are given apart.

    Example: headwater evaluate redaction --json
    """
    from evaluation.economy_reports import say_redaction
    from evaluation.redacting import load_sentences, measure

    path = _data(sentences, "pii/sentences.json")
    say_redaction(measure(load_sentences(path)), as_json=as_json)


@app.command()
def cache(
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Labelled pairs; semantic-cache/question_pairs.json.gz of the data.",
        ),
    ] = None,
    *,
    sample: Annotated[
        float, typer.Option(min=0.0001, max=1.0, help="Share of the pairs that is looked at.")
    ] = 1.0,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """
    How often the semantic cache of answers would hit, and how often it would be wrong.

    The threshold is chosen on one half of the pairs, the figures are those of the other.

    Example: headwater evaluate cache --json
    """
    from agents.settings import load_settings
    from evaluation.caching import load_pairs, measure
    from evaluation.economy_reports import say_cache
    from evaluation.screen import waiting
    from indexes.embedding import Encoder

    path = _data(pairs, "semantic-cache/question_pairs.json.gz")
    loaded = load_pairs(path, sample=sample, seed=seed)
    with waiting(f"{len(loaded):,} pairs of questions are compared"):
        figures = measure(loaded, Encoder().encode, threshold=load_settings().cache.threshold)
    say_cache(figures, as_json=as_json)


def _data(given: Path | None, name: str) -> Path:
    """A file, or the one of the folder of data."""
    from agents.settings import load_settings
    from streams.errors import SetupError

    folder = load_settings().data_dir
    if given is None and folder is None:
        raise SetupError(f"name a file, or set HEADWATER_DATA_DIR to a folder that has {name}")
    return given if given is not None else Path(str(folder)) / name


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
