"""The options that commands of `headwater evaluate` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
