"""
Recovery of tables that does not throw away messages.

Faust seeks to the committed offsets while messages are flowing, then clears the queues: what was
fetched in between is gone (on Apache Kafka 8 to 33 events in 3 of 8 short runs).
"""

from __future__ import annotations

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery


class SafeRecovery(Recovery):  # type: ignore[misc]
    """Stops the flow before it seeks."""

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Call when active table recovery is completed."""
        self.app.consumer.stop_flow()
        await super().on_recovery_completed(generation_id)


class SafeTableManager(TableManager):  # type: ignore[misc]
    """Recovers safely."""

    _recovery: SafeRecovery | None

    @property
    def recovery(self) -> SafeRecovery:
        """The recovery service."""
        if self._recovery is None:
            self._recovery = SafeRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
