"""No test asks a model server that is not on this machine."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_model_elsewhere() -> Iterator[None]:
    """By the setting that anybody can use; programs that a test starts inherit it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEADWATER_MODEL__LOCAL_ONLY", "true")
        yield
