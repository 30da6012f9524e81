"""The collector rests while much is loaded, and what was loaded is not looked at again."""

import gc
import platform
import weakref
from collections.abc import Iterator

import psutil
import pytest

from agents import memory
from agents.memory import begin_loading, end_loading, give_back

MB = 1_000_000


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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_what_was_freed_between_what_is_held_is_given_back() -> None:
    blocks = [bytearray(MB // 10) for _ in range(2_000)]  # too small for mappings of their own
    held = blocks[1::2]
    del blocks
    before = psutil.Process().memory_info().rss
    give_back()
    after = psutil.Process().memory_info().rss
    assert len(held) == 1_000
    assert before - after > 50 * MB


def test_a_c_library_that_cannot_give_back_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    give_back()
