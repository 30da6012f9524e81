"""The tree of errors: drawn in full, and every leaf says what its catcher does."""

import importlib
import inspect
import pkgutil
import re

import pytest

import streams
from streams import errors
from streams.errors import (
    Degraded,
    DeliveryFailed,
    HeadwaterError,
    MembershipLost,
    RejectedEvent,
    SetupError,
    StateUnusable,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and value.__module__ == errors.__name__
]
KINDS = (RejectedEvent, StateUnusable, Degraded, DeliveryFailed, MembershipLost, SetupError)


def drawn() -> dict[str, int]:
    """Each name in the drawing, and how deep it stands."""
    branches = re.findall(r"^ ([│ ]  )?[├└] (\w+) ", errors.__doc__ or "", re.MULTILINE)
    return {name: 2 if indent else 1 for indent, name in branches}


def test_every_class_is_drawn_and_everything_drawn_is_a_class() -> None:
    assert {c.__name__ for c in CLASSES} == {"HeadwaterError", *drawn()}


@pytest.mark.parametrize("error", CLASSES, ids=lambda c: c.__name__)
def test_the_drawing_shows_how_deep_each_class_stands(error: type[Exception]) -> None:
    depth = error.__mro__.index(HeadwaterError)
    assert depth == {"HeadwaterError": 0, **drawn()}[error.__name__]


@pytest.mark.parametrize("error", CLASSES, ids=lambda c: c.__name__)
def test_every_class_says_what_it_means(error: type[Exception]) -> None:
    assert error.__doc__
    assert error.__doc__.endswith(".")


@pytest.mark.parametrize("error", CLASSES[1:], ids=lambda c: c.__name__)
def test_every_error_is_of_exactly_one_kind(error: type[Exception]) -> None:
    assert sum(issubclass(error, kind) for kind in KINDS) == 1


def test_no_error_grows_outside_the_tree() -> None:
    for module in pkgutil.iter_modules(streams.__path__, "streams."):
        importlib.import_module(module.name)
    ours = [c for c in HeadwaterError.__subclasses__() if c.__module__.startswith("streams.")]
    outside = [c.__name__ for c in ours if c not in KINDS]
    assert outside == []
