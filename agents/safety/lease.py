"""
May this worker still write?  Only while it is known to be a member of its group.

A process that was stopped for longer than the session timeout does not know that its partitions
have gone to others.  It would write old state over theirs, so it has to ask before it writes.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from streams.errors import MembershipLost


class Lease:
    """
    How long the group takes this worker for alive.

    >>> now = [100.0]
    >>> lease = Lease(session=10, clock=lambda: now[0])
    >>> lease.renew(now[0])
    >>> lease.valid
    True
    >>> now[0] += 11
    >>> lease.valid
    False
    """

    def __init__(self, *, session: float, clock: Callable[[], float] = monotonic) -> None:
        """
        Begin as if just renewed.

        Args:
            session: Seconds of silence after which the group gives partitions away.
            clock: Monotonic seconds.
        """
        self._session = session
        self._clock = clock
        self._renewed = clock()
        self._lost = False

    def renew(self, asked_at: float) -> None:
        """The group has answered to something sent at that time."""
        self._renewed = max(self._renewed, asked_at)

    def lose(self) -> None:
        """The group has said that this worker is no member any more."""
        self._lost = True

    def regain(self) -> None:
        """The worker has joined again and owns what it was given just now."""
        self._lost = False
        self.renew(self._clock())

    @property
    def valid(self) -> bool:
        """Can nobody else own its partitions?"""
        return not self._lost and self._clock() - self._renewed < self._session

    def check(self) -> None:
        """
        Raise where `valid` is false.

        Raises:
            MembershipLost: The group has removed this worker, or has not answered for a session.
        """
        if not self.valid:
            silent = self._clock() - self._renewed
            raise MembershipLost(
                f"no heartbeat was answered for {silent:.1f} s, the session timeout is "
                f"{self._session:g} s: partitions may belong to another worker"
            )

    def watch(self, coordinator: Any) -> None:
        """Hear the answers to an aiokafka coordinator's heartbeats."""
        ask = coordinator._do_heartbeat
        reset = coordinator.reset_generation

        async def heartbeat() -> bool:
            asked_at = self._clock()
            if answered := await ask():
                self.renew(asked_at)
            return bool(answered)

        def reset_generation() -> None:
            self.lose()
            reset()

        coordinator._do_heartbeat = heartbeat
        coordinator.reset_generation = reset_generation
