"""
What `headwater doctor` finds, and what it says about it.

Pure: each function turns what was measured into findings; a finding that is not ok says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from streams.kafka import Position

Level = Literal["ok", "warning", "failure"]

LEAST_DISK = 1024**3
"""Bytes that should be free: snapshots of 100,000 items take 200 MB, two are kept."""
MOST_SKEW = 2.0
"""Seconds; more than this and event-to-slate times mean little."""
MOST_LAG = 1_000
"""Records; an idle system has none, a busy one should not fall behind by more."""
SECRET = ("password", "secret", "token", "key")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    level: Level
    name: str
    text: str
    advice: str = ""


def judge_python(version: tuple[int, int], text: str) -> Finding:
    """Python itself."""
    if version < (3, 11):
        return Finding("failure", "python", text, "Headwater needs Python 3.11 or newer")
    return Finding("ok", "python", text)


def judge_packages(found: Mapping[str, str | None], exact: Mapping[str, str]) -> Iterator[Finding]:
    """
    The versions of packages, None where one is missing.

    >>> [f.level for f in judge_packages({"a": "1", "b": None}, {"a": "2"})]
    ['failure', 'failure']
    """
    wrong = False
    for name, version in found.items():
        wanted = exact.get(name, version)
        if version is None:
            wrong = True
            yield Finding("failure", "packages", f"{name} is missing", "pip install -e .")
        elif version != wanted:
            wrong = True
            advice = f"pip install {name}=={wanted}"
            yield Finding("failure", "packages", f"{name} {version}, not {wanted}", advice)
    if not wrong:
        versions = ", ".join(f"{name} {version}" for name, version in found.items())
        yield Finding("ok", "packages", versions)


def judge_settings(changed: Mapping[str, Any]) -> Finding:
    """
    The settings that are not the defaults, without what is nobody's business.

    >>> judge_settings({"partitions": 8, "sasl_password": "x"}).text
    'partitions=8, sasl_password=(set)'
    """
    parts = [
        f"{name}={'(set)' if any(word in name.lower() for word in SECRET) else value}"
        for name, value in changed.items()
    ]
    return Finding("ok", "settings", ", ".join(parts) or "all as they come")


def judge_encoder(probed: Mapping[str, Any], *, dim: int) -> Finding:
    """The encoder's vectors and its pace."""
    text = (
        f"{probed['precision']}, {probed['ms_per_text']} ms a text, loads in "
        f"{probed['load_seconds']} s, vectors of {probed['dim']} numbers and length "
        f"{probed['shortest']} to {probed['longest']}"
    )
    if probed["dim"] != dim or not 0.99 < probed["shortest"] <= probed["longest"] < 1.01:
        return Finding("failure", "encoder", text, f"expected {dim} numbers and length 1")
    return Finding("ok", "encoder", text)


def judge_index(probed: Mapping[str, Any]) -> Finding:
    """The canary of hnswlib."""
    text = f"{probed['found']} of {probed['items']} items of a small hnswlib index find themselves"
    if probed["found"] < probed["items"]:
        return Finding(
            "failure", "index", text, "reinstall hnswlib, or set HEADWATER_INDEX__KIND=exact"
        )
    note = "built for this kind of CPU: an image for another needs HNSWLIB_NO_NATIVE=1"
    return Finding("ok", "index", f"{text}; {note}")


def judge_state(folder: Path, *, mode: int | None, writable: bool, free: int) -> Iterator[Finding]:
    """
    The folder of snapshots and addresses.

    Args:
        folder: Where it is or will be.
        mode: Its rights; None where it is still to be made.
        writable: May this user write there, or make it?
        free: Bytes free on its disk.
    """
    place = f"{folder}"
    if not writable:
        advice = "set HEADWATER_STATE_DIR to a folder of this user"
        yield Finding("failure", "state", f"{place} cannot be written", advice)
    elif mode is not None and mode & 0o077:
        advice = f"others may read profiles there: chmod 700 {place}"
        yield Finding("warning", "state", f"{place} has rights {mode:o}", advice)
    else:
        rights = "is made at the first start" if mode is None else f"has rights {mode:o}"
        yield Finding("ok", "state", f"{place} {rights}")
    text = f"{free / 1024**3:.1f} GiB free"
    if free < LEAST_DISK:
        yield Finding("warning", "disk", text, "snapshots of 100,000 items want 1 GiB")
    else:
        yield Finding("ok", "disk", text)


def judge_model(name: str, where: str, *, reason: str, seconds: float) -> Finding:
    """
    How a language model has taken a short question.

    Args:
        name: Of the model.
        where: Its server.
        reason: Why there was no answer; empty where there was one.
        seconds: Until then.
    """
    if not reason or reason in _SAID_NOTHING:
        said = f", but says nothing ({reason})" if reason else ""
        return Finding("ok", "model", f"{name} at {where} answers in {seconds * 1000:.0f} ms{said}")
    text, advice = _MODEL_TROUBLE.get(reason, (reason, "look at the log of the server"))
    return Finding("failure", "model", f"{name} at {where}: {text}", advice)


_SAID_NOTHING = {"empty", "cut-off", "filtered"}
"""It is there and the key is right; the question was too small for it."""
_MODEL_TROUBLE = {
    "wrong-key": ("the server refuses the key", "set HEADWATER_MODEL__API_KEY"),
    "forbidden": ("the key may not use this model", "set HEADWATER_MODEL__SMALL and __LARGE"),
    "no-such-model": (
        "the server has no such model, or its API begins elsewhere",
        "compare HEADWATER_MODEL__SMALL and __LARGE with what `curl BASE_URL/models` names",
    ),
    "unreachable": ("nobody answers", "start the server, or set HEADWATER_MODEL__BASE_URL"),
    "timeout": ("no answer in time", "is it still loading?  HEADWATER_MODEL__TIMEOUT is the limit"),
    "rate-limited": ("it takes no more questions now", "wait, or look at what your account allows"),
}


def judge_port(port: int, answer: Literal["free", "worker", "other"]) -> Finding:
    """The port of the worker's metrics."""
    if answer == "other":
        advice = "set HEADWATER_METRICS__PORT to a free one"
        return Finding("failure", "metrics", f"port {port} is taken by another program", advice)
    text = "a worker answers on" if answer == "worker" else "nobody listens yet on"
    return Finding("ok", "metrics", f"{text} port {port}")


def judge_topics(wrong: Sequence[str], *, total: int) -> Iterator[Finding]:
    """The topics as they are against the table."""
    if not wrong:
        yield Finding("ok", "topics", f"all {total} are as they should be")
    for line in wrong:
        text, _, advice = line.partition(": ")
        yield Finding("failure", "topics", text, advice or "look at `headwater topics check`")


def judge_skew(newest: float | None, *, now: float) -> Finding:
    """
    The newest record's timestamp against this clock; only one from the future proves anything.

    >>> judge_skew(100.0, now=90.0).level, judge_skew(80.0, now=90.0).level
    ('warning', 'ok')
    """
    if newest is None:
        return Finding("ok", "clock", "no record yet to compare with")
    if newest > now + MOST_SKEW:
        text = f"the newest record is {newest - now:.1f} s in the future of this machine"
        return Finding("warning", "clock", text, "set the clocks, by NTP for example")
    return Finding(
        "ok", "clock", f"the newest record is {now - newest:.0f} s old, none is from the future"
    )


def judge_lag(positions: Mapping[str, Mapping[int, Position]]) -> Iterator[Finding]:
    """How far the workers are behind, by topic."""
    for topic, partitions in positions.items():
        lag = sum(position.lag for position in partitions.values())
        ever = any(position.committed is not None for position in partitions.values())
        text = f"{topic}: {lag:,} records to read"
        if lag and not ever:
            yield Finding("warning", "lag", f"{text}, never read", "start `headwater worker`")
        elif lag > MOST_LAG:
            advice = "is a worker running?  If so it is too slow: start another"
            yield Finding("warning", "lag", text, advice)
        else:
            yield Finding("ok", "lag", text)
