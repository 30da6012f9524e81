"""
What recorded replies of language models are worth beside the engine, and fused with it.

The constants of the fusion were set on the users of `is_fitting`; without a folder of one's own
those are left out of what is judged, so that no figure is of users that a constant was set on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import numpy as np

from evaluation.recordings import Recording, load_parsed
from evaluation.summary import Figures, interval
from evaluation.verdicts import STRANGERS, WHO, Verdict, World, judge_reply, ndcg
from streams.errors import SetupError

COLD_SHARE = 0.25
"""Of users, those with the fewest interactions are cold: the quarter that the recordings' authors
called so."""
FITTING = 4
"""One user in so many is one that constants were set on."""

OnReply = Callable[[int], None]
"""Told how many replies are judged."""


def is_fitting(user_id: str) -> bool:
    """
    Whether the constants of the fusion were set on this user, of those in the recordings.

    >>> [user for user in map(str, range(1, 13)) if is_fitting(user)]
    ['4', '6']
    """
    return crc32(user_id.encode()) % FITTING == 0


@dataclass(slots=True)
class Judged:
    """All verdicts."""

    verdicts: list[Verdict] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    """Replies that were not read without an error, and the error."""


def judge_all(recordings: Iterable[Recording], world: World, *, on_reply: OnReply) -> Judged:
    """Judge every reply; one that is an error is counted, and the others go on."""
    judged = Judged()
    for recording in recordings:
        for recorded in recording.replies:
            try:
                judged.verdicts.append(judge_reply(recorded, recording, world))
            except Exception as exc:  # noqa: BLE001 - that there are none is what is measured
                judged.crashes.append(f"{recording.name}, user {recorded.user_id}: {exc!r}")
            on_reply(len(judged.verdicts) + len(judged.crashes))
    if not judged.verdicts:
        raise SetupError(f"no reply could be judged; the first error: {judged.crashes[:1]}")
    return judged


def cold_below(world: World) -> float:
    """Interactions up to which a user is cold."""
    return float(np.quantile([len(items) for items in world.had.values()], COLD_SHARE))


def summarise_replies(judged: Judged, world: World, *, leave_out: bool) -> Figures:
    """
    Everything there is to say, as one JSON object has it.

    Args:
        judged: All verdicts.
        world: What they were judged by.
        leave_out: Judge orders without the users of `is_fitting`.
    """
    verdicts, cold = judged.verdicts, cold_below(world)
    scored = [v for v in verdicts if not (leave_out and is_fitting(v.user_id))]
    counts = Counter[str]()
    for verdict in verdicts:
        counts.update(verdict.repaired.counts)
    return {
        "replies": len(verdicts) + len(judged.crashes),
        "permutations": sum(v.is_permutation for v in verdicts),
        "outside_catalogue": sum(v.outside for v in verdicts),
        "empty": sum(v.is_empty for v in verdicts),
        "degraded": sum(not v.repaired.trust for v in verdicts),
        "crashes": len(judged.crashes),
        "named": {
            name: counts[name]
            for name in ("wrong_format", "repeats", "unknown", "missing", "outside_catalogue")
        },
        "ndcg@10": {**means(scored), **by_warmth(scored, cold)},
        "judged": sum(v.ndcg is not None for v in scored),
        "left_out": len(verdicts) - len(scored),
        "cold_up_to": cold,
        "hindsight": {
            "all": _by_constant(scored),
            "cold": _by_constant(v for v in scored if v.interactions <= cold),
            "warm": _by_constant(v for v in scored if v.interactions > cold),
        },
        "by_task": {
            task: {**means(some), **by_warmth(some, cold)}
            for task, some in _by_task(scored).items()
        },
        "by": {name: _of_recording(name, verdicts, scored, cold) for name in _names(verdicts)},
    }


def means(verdicts: Iterable[Verdict]) -> Figures:
    """nDCG@10 by whose order it is, and by how much fused is above the better of the other two."""
    known = [v for v in verdicts if v.ndcg is not None]
    table = np.array([[v.ndcg[who] for who in WHO] for v in known if v.ndcg is not None])
    if not len(table):
        return {"n": 0}
    figures: Figures = dict(zip(WHO, table.mean(axis=0).tolist(), strict=True))
    fused = WHO.index("fused")
    users = np.unique([v.user_id for v in known], return_inverse=True)[1]
    low, high = interval(table[:, [fused]] - table, users, seed=0)
    for who in ("engine", "model"):
        k = WHO.index(who)
        figures[f"fused-{who}_ci"] = [float(low[k]), float(high[k])]
    return {"n": len(table), **figures}


def by_warmth(verdicts: Sequence[Verdict], cold: float) -> Figures:
    """The same of cold users and of the others."""
    return {
        "cold": means(v for v in verdicts if v.interactions <= cold),
        "warm": means(v for v in verdicts if v.interactions > cold),
    }


def _by_constant(verdicts: Iterable[Verdict]) -> Figures:
    """nDCG@10 of the fused order by the constant of the fusion; 0 is the engine alone."""
    known = [v.hindsight for v in verdicts if v.hindsight is not None]
    return {f"{s:g}": float(np.mean([one[s] for one in known])) for s in STRANGERS if known}


def _by_task(verdicts: Iterable[Verdict]) -> Mapping[str, list[Verdict]]:
    """By what was asked for: to order given films, or to name some."""
    found: dict[str, list[Verdict]] = {"rerank": [], "topn": []}
    for verdict in verdicts:
        found[verdict.task].append(verdict)
    return found


def _names(verdicts: Iterable[Verdict]) -> list[str]:
    return list(dict.fromkeys(v.recording for v in verdicts))


def _of_recording(
    name: str, verdicts: Iterable[Verdict], scored: Iterable[Verdict], cold: float
) -> Figures:
    """One recording: its replies as they are, and the orders."""
    own = [v for v in verdicts if v.recording == name]
    mine = [v for v in scored if v.recording == name]
    return {**_as_they_are(own), "ndcg@10": {**means(mine), **by_warmth(mine, cold)}}


def _as_they_are(verdicts: Sequence[Verdict]) -> Figures:
    """What the authors of the recordings counted, by our reading; shares of lines and replies."""
    counts = Counter[str]()
    for verdict in verdicts:
        counts.update(verdict.repaired.counts)
    named = sum(v.repaired.named for v in verdicts)
    lines = max(named + counts["repeats"] + counts["unknown"], 1)
    raw = [v.raw for v in verdicts if v.raw is not None]
    return {
        "replies": len(verdicts),
        "empty": sum(v.is_empty for v in verdicts),
        "perfect": sum(v.perfect for v in verdicts) / max(len(verdicts), 1),
        "not_in_list": counts["unknown"] / lines,
        "outside_catalogue": counts["outside_catalogue"] / lines,
        "inexact": sum(v.inexact for v in verdicts) / max(sum(v.listed for v in verdicts), 1),
        "raw_ndcg@10": float(np.mean(raw)) if raw else None,
    }


def of_authors(folder: Path, recordings: Iterable[Recording], world: World) -> Mapping[str, float]:
    """nDCG@10 of what the authors of recordings made of their replies, where that is there."""
    found: dict[str, float] = {}
    for recording in recordings:
        lists = load_parsed(folder, recording.name)
        if lists is not None:
            scores = [ndcg(lists.get(user, ()), truth) for user, truth in world.held_back.items()]
            found[recording.name] = float(np.mean(scores))
    return found
