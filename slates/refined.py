"""From what was heard to what is shown: the model's order fused with the engine's."""

from __future__ import annotations

from collections.abc import Sequence

from slates.asking import Heard
from slates.draft import Draft
from slates.fusing import fuse, weight_of
from slates.refining import Refined

REPAIRS = ("wrong_format", "repeats", "unknown", "missing", "outside_catalogue")
"""Counts of a reply that say what had to be repaired."""
CUTS = ("cut_history", "cut_texts", "cut_candidates")


def refined(
    draft: Draft, heard: Heard, engine: Sequence[str], *, degraded: Sequence[str] = ()
) -> Refined:
    """
    Fuse, and say what was repaired.

    Args:
        draft: Revision 1.
        heard: The model's order of some of the candidates, the rest follow as the engine has them.
        engine: All candidates in the engine's order.
        degraded: What else was not as it should be.
    """
    model = tuple(dict.fromkeys([*heard.order, *engine]))
    weight = weight_of(draft.interactions, trust=heard.trust)
    return Refined(
        order=fuse(engine, model, weight=weight),
        reasons={},
        usage=heard.usage,
        model=heard.model,
        prompt=heard.prompt,
        calls=heard.calls,
        degraded=(*heard.degraded, *degraded, *_said("reply", heard, REPAIRS), *_cut(heard)),
        counts=heard.counts,
    )


def _said(kind: str, heard: Heard, names: Sequence[str]) -> list[str]:
    found = [f"{heard.counts[name]} {name}" for name in names if heard.counts.get(name)]
    return [f"{kind}: repaired, {', '.join(found)}"] if found else []


def _cut(heard: Heard) -> list[str]:
    found = [f"{heard.counts[name]} {name[4:]}" for name in CUTS if heard.counts.get(name)]
    return [f"prompt: cut, {', '.join(found)}"] if found else []
