"""What stands on the topics that you write to and read from, with examples that are decoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from agents.settings import Settings
from docs_reference.structs import fields_of
from docs_reference.tables import code, document, table
from slates.slate import Reason, Slate, SlateItem, Timings, Versions
from streams import events, items, requests
from streams.events import DEFAULT_GAINS, Forget, Impression, Interaction, Preferences
from streams.items import Item
from streams.requests import Range, SlateRequest, Trigger

INTRO = """
# Events and other records

Every value is one JSON object, and every key the id of its user or item in UTF-8.
What cannot be decoded or breaks a rule goes to `dead-letters` with the reason; the stream goes on.
Topics, partitions and how long records are kept: [topics](topics.md).
"""
EXAMPLES: Mapping[type[msgspec.Struct], tuple[Mapping[str, Any], ...]] = {
    Interaction: (
        {
            "kind": "interaction",
            "user_id": "ann",
            "item_id": "dune",
            "action": "like",
            "at": 1764000000.0,
        },
        {
            "kind": "interaction",
            "user_id": "ann",
            "item_id": "dune",
            "action": "rating",
            "value": 4.5,
        },
    ),
    Impression: (
        {
            "kind": "impression",
            "user_id": "ann",
            "slate_id": "slate-events-0-1",
            "item_ids": ["dune", "emma"],
        },
    ),
    Preferences: (
        {"kind": "preferences", "user_id": "ann", "text": "Sea stories, no horror", "by": "user"},
    ),
    Forget: ({"kind": "forget", "user_id": "ann"},),
    Item: (
        {
            "title": "Dune",
            "description": "A desert planet.",
            "tags": ["epic"],
            "attributes": {"author": "Frank Herbert", "year": 1965, "subjects": ["sand", "power"]},
        },
    ),
    SlateRequest: (
        {"user_id": "ann", "n": 5, "filters": {"author": "Verne", "year": {"max": 1900}}},
        {"user_id": "ann", "scenario": "similar", "about": "dune"},
    ),
}
"""Each is decoded by `tests/unit/docs_reference/test_pages.py`."""
ITEMS = "A record without a value takes the item out."
SLATES = """
The newest record of a `slate_id` is the one that counts: revision 2 follows revision 1.
A record without a value says that the user was forgotten.
A record may come twice, with the same content; `streams.repeats.Repeats` drops repeats.
"""
OURS: Mapping[type[msgspec.Struct], tuple[str, ...]] = {SlateRequest: ("trigger", "forget")}
"""Fields that only Headwater's own programs fill in."""


def page() -> str:
    """The page."""
    parts = [INTRO, "## What you write to `events`", _limits(), _actions()]
    parts += _sections(Interaction, Impression, Preferences, Forget)
    parts += ["## What you write to `items`", ITEMS, _section(Item)]
    parts += ["## What you write to `slate-requests`", _section(SlateRequest), _section(Range)]
    parts += ["## What you read from `recommendations`", SLATES]
    parts += _sections(Slate, SlateItem, Reason, Trigger, Versions, Timings)
    return document(*parts)


def _limits() -> str:
    ahead = Settings.model_fields["events"].default.max_ahead.total_seconds()
    return (
        f"Ids have 1 to {events.MAX_ID_CHARS} printable characters.\n"
        "The `user_id` must be the key of the record.\n"
        f"An event may lie {ahead:,.0f} seconds in the future (`HEADWATER_EVENTS__MAX_AHEAD`).\n"
        f"An impression names at most {events.MAX_IMPRESSION_ITEMS} items, preferences have at "
        f"most {events.MAX_PREFERENCE_CHARS} characters, titles and descriptions "
        f"{items.MAX_TEXT_CHARS:,}, a slate {requests.MAX_ITEMS} items."
    )


def _actions() -> str:
    rows = [[code(action), f"{gain:g}"] for action, gain in DEFAULT_GAINS.items()]
    text = (
        "An `action` is one of these, or of those in `HEADWATER_EVENTS__GAINS`; the gain says "
        "how strongly it speaks for the item.\n"
        "A `rating` has its stars in `value`; its gain is that of the most stars."
    )
    return f"{text}\n\n{table(['action', 'gain'], rows)}"


def _sections(*structs: type[msgspec.Struct]) -> list[str]:
    return [_section(struct) for struct in structs]


def _section(struct: type[msgspec.Struct]) -> str:
    ours = OURS.get(struct, ())
    lines = fields_of(struct).splitlines()
    fields = [line for line in lines if not line.startswith(tuple(f"| `{name}`" for name in ours))]
    about = (struct.__doc__ or "").strip()
    tag = struct.__struct_config__.tag
    kind = f"\n`kind` is `{tag}`." if tag else ""
    examples = "\n".join(msgspec.json.encode(e).decode() for e in EXAMPLES.get(struct, ()))
    shown = f"```json\n{examples}\n```" if examples else ""
    parts = [f"### {struct.__name__}", f"{about}{kind}", "\n".join(fields), shown]
    return document(*parts)
