"""
Who is given partitions when somebody else has come into the group.

Faust gives partitions of a topic to every member that reads it, whatever else they read: another
application with the same group id gets half of the events, and nobody hears of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faust.assignor.partition_assignor import PartitionAssignor


class SafeAssignor(PartitionAssignor):  # type: ignore[misc]
    """Gives the topics of workers to members that read exactly these, and to no others."""

    _reads: frozenset[str] = frozenset()

    def metadata(self, topics: set[str]) -> Any:
        """Remember what this worker asks for."""
        self._reads = frozenset(topics)
        return super().metadata(topics)

    def assign(self, cluster: Any, member_metadata: Mapping[str, Any]) -> Any:
        """Divide the partitions; called in the member that leads the group."""
        asked = {member: self._without_ours(wish) for member, wish in member_metadata.items()}
        return super().assign(cluster, asked)

    def _without_ours(self, wish: Any) -> Any:
        if self._reads == set(wish.subscription):
            return wish
        others = [topic for topic in wish.subscription if topic not in self._reads]
        return type(wish)(wish.version, others, wish.user_data)
