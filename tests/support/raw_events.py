"""Events as bytes, right ones to begin with."""

import json
from typing import Any

from streams.events import Event, Gains, decode_event

NOW = 1_700_000_000.0

AHEAD = 3600.0

GAINS = Gains({"view": 0.3, "click": 1.0, "like": 2.0, "dislike": -2.0, "rating": 2.0})

CLICK = {"kind": "interaction", "user_id": "ann", "at": NOW, "item_id": "dune", "action": "click"}

SHOWN = {"kind": "impression", "user_id": "ann", "at": NOW, "slate_id": "s-1", "item_ids": ["dune"]}

FORGET = {"kind": "forget", "user_id": "ann", "at": NOW}


def decode(key: bytes | None, value: bytes | None) -> Event:
    return decode_event(key, value, gains=GAINS, received_at=NOW, max_ahead=AHEAD)


def read(fields: dict[str, Any], **changes: Any) -> Event:
    """Decode what a sender with these fields would send; a change to None leaves one out."""
    sent = {name: value for name, value in {**fields, **changes}.items() if value is not None}
    return decode(str(sent.get("user_id", "ann")).encode(), json.dumps(sent).encode())
