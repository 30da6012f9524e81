"""The collector rests while much is loaded, and what was loaded is not looked at again."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from agents.memory import begin_loading, end_loading


class Ring:
    """Something that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Switched on for the test; afterwards as it was."""
    enabled, frozen = gc.isenabled(), gc.get_freeze_count()
    gc.enable()
    yield
    if not frozen:
        gc.unfreeze()
    (gc.enable if enabled else gc.disable)()


def test_nothing_is_collected_of_its_own_accord_while_much_is_loaded() -> None:
    begin_loading()
    assert not gc.isenabled()


def test_after_loading_the_collector_is_at_work_again() -> None:
    begin_loading()
    end_loading()
    assert gc.isenabled()


def test_what_was_loaded_is_left_alone_and_what_comes_after_is_collected() -> None:
    begin_loading()
    loaded = weakref.ref(Ring())
    end_loading()
    later = weakref.ref(Ring())
    gc.collect()
    assert loaded() is not None
    assert later() is None


def test_loading_that_ends_twice_ends_as_well() -> None:
    begin_loading()
    end_loading()
    end_loading()
    assert gc.isenabled()
