"""No test asks a model server that is not on this machine, and laws are tried on few examples."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.laws import law

settings.register_profile("headwater", law(100))
settings.load_profile("headwater")


@pytest.fixture(scope="session", autouse=True)
def no_model_elsewhere() -> Iterator[None]:
    """By the setting that anybody can use; programs that a test starts inherit it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEADWATER_MODEL__LOCAL_ONLY", "true")
        yield
