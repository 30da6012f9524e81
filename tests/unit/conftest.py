"""Every slate that a test builds is proven."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from slates import building
from slates.building import Built, build
from slates.checking import unproven
from slates.knowledge import Knowledge
from slates.reasons.grounds import grounds_of
from streams.profiles import Profile
from streams.requests import SlateRequest


def proven_build(
    request: SlateRequest, profile: Profile, knowledge: Knowledge, **others: Any
) -> Built:
    """As `slates.building.build`, of which a reason that is not true fails the test."""
    built = build(request, profile, knowledge, **others)
    assert unproven(built.items, grounds_of(request, profile, knowledge, **others)) == []
    return built


@pytest.fixture(scope="session", autouse=True)
def every_slate_is_proven() -> Iterator[None]:
    """The one patch there is: a hook for it in `build` would be there for nothing but tests."""
    with pytest.MonkeyPatch.context() as patched:
        for module in list(sys.modules.values()):
            own = module is building or module.__name__ == __name__
            if not own and vars(module).get("build") is build:
                patched.setattr(module, "build", proven_build)
        yield
