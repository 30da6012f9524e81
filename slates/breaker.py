"""
Stop asking who does not answer, and find out with one question whether they do again.

Closed: everybody may ask.  After some failures in a row it opens: nobody may, for a while.  Then it
is half open: one may ask, and how that goes decides.

Kept libraries were looked at: `purgatory` 3.0 counts a cancelled question as a failure, lets
everybody ask when it is half open and reads the clock of the wall; `pybreaker` 1.4 awaits with
Tornado only; `aiobreaker` has had no release since 2021.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from streams.errors import ModelUnavailable

log = logging.getLogger("headwater")

Clock = Callable[[], float]
"""Seconds since whenever; one that jumps ends a rest, and makes none longer than it should be."""


class Rest:
    """Some time in which nobody is asked, and why."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = 0.0
        self._seconds = 0.0
        self._why: ModelUnavailable | None = None

    def begin(self, seconds: float, why: ModelUnavailable) -> None:
        """Ask nobody for some seconds."""
        self._began, self._seconds, self._why = self._clock(), seconds, why

    @property
    def why(self) -> ModelUnavailable | None:
        """What it began with; None when it is over, which a clock that went back makes it, too."""
        if self._why is not None and not 0 <= self._clock() - self._began < self._seconds:
            self._why = None
        return self._why


class Breaker:
    """
    A circuit breaker for one model.

    Args:
        name: Of the model, for the log.
        failures: In a row, after which it opens.
        rest: Seconds until one may try again.
        clock: Monotonic.
    """

    def __init__(self, name: str, *, failures: int, rest: float, clock: Clock) -> None:
        self._name = name
        self._limit = failures
        self._seconds = rest
        self._rest = Rest(clock)
        self._failures = 0
        self._probing = False

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        """As it is now."""
        if self._failures < self._limit:
            return "closed"
        return "open" if self._rest.why else "half-open"

    @contextmanager
    def watch(self, counts: Callable[[ModelUnavailable], bool | None]) -> Iterator[None]:
        """
        Watch how a question goes.

        One that is cancelled says nothing: where it was the one that tries, another may.

        Args:
            counts: Is it a failure of who was asked?  If not, it shows that they are there; None
                shows nothing.

        Raises:
            ModelUnavailable: Nobody may ask now.
        """
        probe = self._admit()
        try:
            yield
        except ModelUnavailable as exc:
            verdict = counts(exc)
            if verdict:
                self._failed(exc, probe=probe)
            elif verdict is not None:
                self._answered()
            raise
        else:
            self._answered()
        finally:
            if probe:
                self._probing = False

    def _admit(self) -> bool:
        """Whether this is the one question that tries."""
        state = self.state
        if state == "closed":
            return False
        if state == "open" or self._probing:
            text = f"{self._name} is not asked for now: {self._failures} failures in a row"
            raise ModelUnavailable(text, reason="breaker-open")
        self._probing = True
        return True

    def _failed(self, why: ModelUnavailable, *, probe: bool) -> None:
        if self.state == "closed":
            self._failures += 1
        elif not probe:
            return  # it was asked before the breaker opened
        if self._failures >= self._limit:
            self._rest.begin(self._seconds, why)
            log.warning(
                "%s: %d failures in a row, the last: %s; it is asked again in %g s",
                *(self._name, self._failures, why, self._seconds),
            )

    def _answered(self) -> None:
        if self._failures >= self._limit:
            log.warning("%s answers again", self._name)
        self._failures = 0
