"""
`headwater evaluate …` of what a language model does, and of what keeps it cheap and private.

Nothing heavy is imported before a command runs, as in `evaluation.commands`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evaluation.command_options import AsJson, Seed, Strategy


def explanations(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder with *_test.jsonl and *_predictions.jsonl; xrec-yelp of the data folder "
            "where left out.",
        ),
    ] = None,
    *,
    replies: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Other outputs: JSON Lines with prediction and test_row."
        ),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """
    Explanations from profiles: a model's as published, our template, the model's as far as proven.

    Cosine of the texts' vectors to the true explanation, share of different texts, and share of
    what they claim that is in the profiles, looked up by another way than that which checks.

    Example: headwater evaluate explanations --data xrec-yelp --json
    """
    from evaluation.explained import measure
    from evaluation.profiled import load_published
    from evaluation.reports import say_explanations
    from evaluation.screen import waiting
    from evaluation.surroundings import data_folder, kept_encoder

    published = load_published(data or data_folder("xrec-yelp"), replies)
    with waiting(f"encoding {len(published.explained):,} explanations"):
        figures = measure(published, kept_encoder(), seed=seed)
    say_explanations(figures, as_json=as_json)


def llm(
    *,
    replies: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Recorded replies; those among the data where left out."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The data; HEADWATER_DATA_DIR where left out."),
    ] = None,
    strategy: Strategy = None,
    as_json: AsJson = False,
) -> None:
    """
    Read and repair recorded replies of language models, and judge them beside the engine.

    Orders of the engine, of the model, and of both fused; of cold users and of others; what the
    replies were like; and what a slate costs in tokens, role by role.  The users on whom the
    fusion was set are left out, unless --replies says which replies are judged.

    Example: HEADWATER_DATA_DIR=data headwater evaluate llm --json
    """
    from evaluation.llm_session import Replies, evaluate_replies

    evaluate_replies(Replies(replies, data, strategy), as_json=as_json)


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
