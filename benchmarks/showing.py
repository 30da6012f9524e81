"""The figures of the gateway, as a section of docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks.clicking import Clicks
from benchmarks.crowding import HALF, RATE, SLOW, SLOW_RATE, Crowd, thirds
from benchmarks.gateway import RATE as REQUESTS
from benchmarks.gateway import WAYS, Gateway, middle


def of_gateway(found: Gateway) -> str:
    """The whole section."""
    return "\n".join([*_requests(found), *_streams(found.crowd), *_clicks(found.clicks)])


def _requests(found: Gateway) -> Iterator[str]:
    yield from (
        "## The gateway",
        "",
        f"`GET /slates/{{user}}` at {REQUESTS:g} requests/s, by one gateway on one core, with an "
        f"API key; the slate has {found.size:,} bytes.",
        "An open loop: time counts from when a request was due.",
        "Beside it, in turn, a bare FastAPI endpoint that answers with the same bytes; medians of "
        f"{len(found.rounds)} rounds, ratios within a round.",
        "",
        "| | p50 ms | p99 ms | p50 / bare | p99 / bare | processor ms a request | failed |",
        "|---|---|---|---|---|---|---|",
    )
    for way in WAYS:
        p50, to_p50 = middle(found.rounds, way, "p50")
        p99, to_p99 = middle(found.rounds, way, "p99")
        cost = median(turns[way].processor for turns in found.rounds) * 1000
        failed = sum(turns[way].asked.failed for turns in found.rounds)
        yield (
            f"| {way} | {p50:.2f} | {p99:.2f} | {to_p50:.2f} | {to_p99:.2f} | {cost:.2f} "
            f"| {failed} |"
        )
    late = max(turn.asked.late for turns in found.rounds for turn in turns.values())
    yield from ("", f"The client itself was late by {late:.1f} ms at p99 in its worst round.", "")


def _streams(crowd: Crowd) -> Iterator[str]:
    yield from (
        f"{crowd.streams:,} streams of server-sent events on that gateway, all open after "
        f"{crowd.opened:.1f} s, with {RATE:g} slates/s for their users; for {HALF:g} s alone, for "
        f"{HALF:g} s beside {SLOW} clients that read nothing of a stream with {SLOW_RATE:g} "
        "large slates/s.",
        "Time is from handing a slate to the producer until a stream had it.",
        "",
        "| | p50 ms | p99 ms | received | memory of the gateway by thirds, MiB |",
        "|---|---|---|---|---|",
    )
    halves = (("alone", crowd.alone, crowd.memory), ("beside", crowd.beside, crowd.memory_beside))
    for name, found, memory in halves:
        if found is not None:
            received = f"{found.answered:,} of {found.sent:,}"
            by_third = ", ".join(f"{mean:.0f}" for mean in thirds(memory))
            yield f"| {name} | {found.p50:.1f} | {found.p99:.1f} | {received} | {by_third} |"
    yield from (
        "",
        f"Of the {SLOW} that did not read, {crowd.slow_left} were still connected at the end.",
        "",
    )


def _clicks(clicks: Clicks | None) -> Iterator[str]:
    if clicks is None:
        yield from ("There was no Chromium: clicks on the page were not timed.", "")
        return
    took = clicks.latency
    yield from (
        f"On the page, in headless {clicks.browser}: from a click until the changed feed was "
        f"painted, p50 {took.p50:.0f} ms, **p95 {took.p95:.0f} ms**, of {took.answered} clicks.",
        f"The page has {clicks.weight / 1000:.1f} kB with all its files, and paints first after "
        f"{clicks.paint:.0f} ms (median of {len(clicks.paints)} visits by a browser that has "
        f"nothing of it; the longest {max(clicks.paints):.0f} ms).",
        "",
    )
