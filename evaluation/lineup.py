"""
The contenders by name.

Each is loaded only when it takes part: peers need libraries that not everybody has installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from evaluation.contender import Contender
from evaluation.peers.options import Options
from streams.errors import BadSetting, SetupError

ENGINE = "headwater"
SLATES = "headwater-slates"

MAKERS: Mapping[str, str] = {
    ENGINE: "evaluation.engine:make_engine",
    SLATES: "evaluation.engine:make_slates",
    "popularity": "evaluation.peers.popularity:make_popularity",
    "decayed-popularity": "evaluation.peers.popularity:make_decayed",
    "item-knn": "evaluation.peers.blended:make_item_knn",
    "skip-markov": "evaluation.peers.blended:make_skip_markov",
    "numpy-sum": "evaluation.peers.blended:make_numpy_sum",
    "implicit-als": "evaluation.peers.implicit_als:make_als",
    "river-mf": "evaluation.peers.river_mf:make_river",
    "flurs-mf": "evaluation.peers.flurs_mf:make_flurs",
}
"""Name to the function that makes it out of `Options`."""
OURS = ("evaluation", "agents", "slates", "indexes", "streams")


class NotInstalled(SetupError):
    """A library that a peer stands on is missing; the others can do without it."""


def make_contender(name: str, options: Options) -> Contender:
    """
    A contender that knows nothing yet.

    Raises:
        BadSetting: There is none of that name.
        NotInstalled: It needs a library that is not there.
    """
    if name not in MAKERS:
        raise BadSetting(f"contender {name!r}: not known, expected one of {', '.join(MAKERS)}")
    module, maker = MAKERS[name].split(":")
    try:
        made = getattr(import_module(module), maker)(options)
    except ModuleNotFoundError as exc:
        raise not_installed(f"contender {name!r}", exc) from exc
    return cast(Contender, made)


def not_installed(what: str, exc: ModuleNotFoundError) -> NotInstalled:
    """What to say of a library that is missing; one of our own modules missing stays a bug."""
    library = (exc.name or "").split(".")[0]
    if library in OURS:
        raise exc
    return NotInstalled(
        f"{what} needs {library}, which is not installed: pip install 'headwater[evaluation]', "
        "in a checkout pip install -e '.[evaluation]'"
    )
