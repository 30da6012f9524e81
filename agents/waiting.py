"""
How many records wait in this process, for what should give way to them.

Events come first.  Words for items, lessons and slates take what they leave; each says itself how
much it takes while many wait, and none of them stops for good.
"""

from __future__ import annotations

from typing import Any

MANY = 500
"""Records from which on many wait; a queue takes some 3,300 before its topic is not fetched."""


def waiting_in(app: Any, topic: str) -> int:
    """Records of a topic that were fetched and that its agents have not begun with."""
    return sum(channel.queue.qsize() for channel in app.topics._topic_name_index[topic])
