"""
Every metric, declared once.

Labels come from closed sets, never from ids.
"""

from __future__ import annotations

import platform
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

LATENCY = (
    *(0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0),
)
"""Seconds, finest around the 10 and 30 ms that are promised and the second for new items."""
SHORT = (0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, *LATENCY[:12], 0.1, 0.5)


class Metrics:
    """The metrics of one worker."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the page and nobody reads them
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._declare_stream()
        self._declare_catalogue()
        self._declare_index()
        self._declare_slates()
        self._declare_refinements()
        self._declare_model()
        self._declare_quality()
        self._declare_gateway()
        self._declare_worker()

    def _declare_stream(self) -> None:
        r = self.registry
        self.events_folded = Counter(
            "headwater_events_folded", "Events added to a profile, by kind.", ["kind"], registry=r
        )
        self.events_repeated = Counter(
            "headwater_events_repeated", "Events skipped: the profile had them.", registry=r
        )
        self.profile_update = Histogram(
            "headwater_profile_update_seconds",
            "From an event's bytes to the profile folded and its outputs sent.",
            buckets=SHORT,
            registry=r,
        )
        self.trends_folded = Counter(
            "headwater_co_visits_folded", "Co-visits added to an item's trend.", registry=r
        )
        self.dead_letters = Counter(
            "headwater_dead_letters",
            "Records refused, by the topic they stood on and the reason.",
            ["topic", "reason"],
            registry=r,
        )
        self.lag = Gauge(
            "headwater_consumer_lag",
            "Records this worker owns and has not dealt with, by topic.",
            ["topic"],
            registry=r,
        )
        self.commits = Counter("headwater_commits", "Times state was made durable.", registry=r)
        self.restore_seconds = Gauge(
            "headwater_state_restore_seconds",
            "Time of the last restoring of state from a changelog, by changelog.",
            ["changelog"],
            registry=r,
        )
        self.local_state_failures = Counter(
            "headwater_local_state_failures",
            "Local copies given up or not written, by the topic they are of and the reason.",
            ["topic", "reason"],
            registry=r,
        )

    def _declare_catalogue(self) -> None:
        r = self.registry
        self.items = Counter(
            "headwater_items_catalogued",
            "Items dealt with, by outcome: encoded, reused (same text), removed.",
            ["outcome"],
            registry=r,
        )
        self.item_to_findable = Histogram(
            "headwater_item_to_findable_seconds",
            "From an item's announcement until a search for its vector finds it.",
            buckets=LATENCY,
            registry=r,
        )
        self.encoder_ready = Gauge(
            "headwater_encoder_ready", "1 once the encoder is loaded.", registry=r
        )
        self.encoder_texts = Counter(
            "headwater_encoder_texts", "Texts turned into vectors.", registry=r
        )
        self.encoder_seconds = Histogram(
            "headwater_encoder_seconds", "Time of one batch.", buckets=LATENCY, registry=r
        )

        self.enhanced_items = Counter(
            "headwater_enhanced_items",
            "Items to which words were added after they could be found, by whose these are.",
            ["outcome"],
            registry=r,
        )
        self.enhancements_dropped = Counter(
            "headwater_enhancements_dropped",
            "Parts of a model's answers about items that were not used, by what they were.",
            ["what"],
            registry=r,
        )
        self.enhancing_waiting = Gauge(
            "headwater_enhancing_waiting",
            "Items to which words are still to be added, by any worker.",
            registry=r,
        )

    def _declare_index(self) -> None:
        r = self.registry
        self.index_items = Gauge("headwater_index_items", "Items that can be found.", registry=r)
        self.index_tombstones = Gauge(
            "headwater_index_tombstones", "Dead entries in the index.", registry=r
        )
        self.index_generation = Gauge(
            "headwater_index_generation", "Rebuilds that went live, and one.", registry=r
        )
        self.index_rebuild = Gauge(
            "headwater_index_rebuild_seconds", "Time of the last rebuild.", registry=r
        )
        self.index_rebuild_failures = Gauge(
            "headwater_index_rebuild_failures", "Rebuilds that were thrown away.", registry=r
        )
        self.snapshot_age = Gauge(
            "headwater_snapshot_age_seconds",
            "Age of the newest snapshot; -1 before the first.",
            ["replica"],
            registry=r,
        )
        self.replica_ready = Gauge(
            "headwater_replica_ready", "1 once a replica has caught up.", ["replica"], registry=r
        )
        self.replica_behind = Gauge(
            "headwater_replica_behind",
            "Records left until the end of the log as it was at start.",
            ["replica"],
            registry=r,
        )

    def _declare_slates(self) -> None:
        r = self.registry
        self.event_to_slate = Histogram(
            "headwater_event_to_slate_seconds",
            "From the broker's receipt of the trigger until its slate was sent.",
            buckets=LATENCY,
            registry=r,
        )
        self.slates = Counter(
            "headwater_slates",
            "Slates, by strategy and who ranked.",
            ["strategy", "ranked_by"],
            registry=r,
        )
        self.slate_seconds = Histogram(
            "headwater_slate_seconds",
            "Time of each stage of building a slate.",
            ["strategy", "stage"],
            buckets=SHORT,
            registry=r,
        )
        self.candidates = Counter(
            "headwater_candidates",
            "Candidates scored, by the source that found them.",
            ["source"],
            registry=r,
        )
        self.degraded = Counter(
            "headwater_degraded", "Poorer answers given, by kind.", ["kind"], registry=r
        )
        self.waiting = Gauge(
            "headwater_slate_requests_waiting", "Users in line for a slate.", registry=r
        )
        self.superseded = Counter(
            "headwater_slate_requests_superseded",
            "Requests answered by the slate of a newer one of the same user.",
            registry=r,
        )
        self.preferences_written = Counter(
            "headwater_preferences_written",
            "Descriptions of what a user likes that were sent, by whose words they are.",
            ["by"],
            registry=r,
        )
        self.empty_slates = Counter("headwater_empty_slates", "Slates without items.", registry=r)

    def _declare_refinements(self) -> None:
        r = self.registry
        self.drafts = Counter(
            "headwater_drafts",
            "Slates that a model could refine, by whether it was asked, and why or why not.",
            ["reason"],
            registry=r,
        )
        self.refinements = Counter(
            "headwater_refinements",
            "Drafts dealt with, by what was asked for and what came of it.",
            ["refinement", "outcome"],
            registry=r,
        )
        self.repairs = Counter(
            "headwater_refinement_repairs",
            "What was wrong with a model's replies, by what was asked for.",
            ["refinement", "what"],
            registry=r,
        )
        self.refine_seconds = Histogram(
            "headwater_refine_seconds",
            "From taking a draft until the model's answer was usable.",
            ["refinement"],
            buckets=LATENCY,
            registry=r,
        )
        self.event_to_revision = Histogram(
            "headwater_event_to_revision_seconds",
            "From the broker's receipt of the trigger until revision 2 was sent.",
            buckets=LATENCY,
            registry=r,
        )
        self.in_flight = Gauge("headwater_drafts_in_flight", "Drafts under way.", registry=r)

    def _declare_model(self) -> None:
        r = self.registry
        self.model_calls = Counter(
            "headwater_model_calls",
            "Calls to a language model, by strategy and outcome: answered, or why not.",
            ["strategy", "outcome"],
            registry=r,
        )
        self.model_tokens = Counter(
            "headwater_model_tokens",
            "Tokens of language models: prompt, cached (a part of prompt), completion.",
            ["strategy", "kind"],
            registry=r,
        )
        self.model_cost = Counter(
            "headwater_model_cost",
            "What language models cost, in the currency of the prices.",
            registry=r,
        )
        self.model_cache = Counter(
            "headwater_model_cache", "Looks into the cache of answers.", ["outcome"], registry=r
        )
        self.model_saved_tokens = Counter(
            "headwater_model_saved_tokens",
            "Tokens that were not spent, by cause.",
            ["cause"],
            registry=r,
        )
        self.model_seconds = Histogram(
            "headwater_model_seconds",
            "Time of one call to a language model.",
            ["strategy"],
            buckets=LATENCY,
            registry=r,
        )
        self.model_redacted = Counter(
            "headwater_model_redacted",
            "Pieces of personal data taken out of prompts, by kind.",
            ["kind"],
            registry=r,
        )

    def _declare_quality(self) -> None:
        r = self.registry
        self.reasons_checked = Counter(
            "headwater_reasons_checked", "Reasons looked into, on a sample of slates.", registry=r
        )
        self.reasons_unproven = Counter(
            "headwater_reasons_unproven",
            "Reasons of the sample that say what could not be proven.",
            registry=r,
        )
        self.lessons = Counter(
            "headwater_lessons",
            "What interactions taught the ranker: sent by profiling, folded by learning.",
            ["step"],
            registry=r,
        )
        self.choices = Counter(
            "headwater_choices",
            "Items that users came to for the first time, by whether their last slate had them.",
            ["on_slate"],
            registry=r,
        )
        self.hit_rate = Gauge(
            "headwater_hit_rate",
            "Share of the last choices, about a thousand, that were on the slate sent before.",
            registry=r,
        )
        self.ndcg = Gauge(
            "headwater_ndcg", "The same, each hit discounted by its place: NDCG@10.", registry=r
        )
        self.impressions = Counter(
            "headwater_impressions", "Items shown, by place from 0.", ["place"], registry=r
        )
        self.clicks = Counter(
            "headwater_clicks", "Items acted on that were shown, by place.", ["place"], registry=r
        )
        self.click_through = Gauge(
            "headwater_click_through", "Clicks to items shown, of late.", registry=r
        )
        self.click_through_seen = Gauge(
            "headwater_click_through_seen",
            "Clicks to items probably looked at: lower places count less.",
            registry=r,
        )

    def _declare_gateway(self) -> None:
        r = self.registry
        self.gateway_requests = Counter(
            "headwater_gateway_requests",
            "HTTP requests, by route and class of status.",
            ["route", "status"],
            registry=r,
        )
        self.gateway_seconds = Histogram(
            "headwater_gateway_request_seconds",
            "Time of an HTTP request, streams apart, by route.",
            ["route"],
            buckets=LATENCY,
            registry=r,
        )
        self.gateway_streams = Gauge(
            "headwater_gateway_streams", "Streams of server-sent events open.", registry=r
        )
        self.gateway_undelivered = Counter(
            "headwater_gateway_undelivered",
            "Events and items that the broker has not acknowledged in time.",
            registry=r,
        )

    def _declare_worker(self) -> None:
        self.loop_lag = Histogram(
            "headwater_loop_lag_seconds",
            "How much later than asked for the event loop came back: what all else waits, too.",
            buckets=SHORT,
            registry=self.registry,
        )
        Gauge(
            "headwater_build_info",
            "Always 1; the labels tell the versions.",
            ["version", "python", "faust"],
            registry=self.registry,
        ).labels(version("headwater"), platform.python_version(), version("faust-streaming")).set(1)


def kind_of(line: str) -> str:
    """
    The label of a line of a slate's `degraded`: its kind, and of a model also the reason.

    >>> kind_of("replica-behind: item-trends has 7 records to read"), kind_of("model: timeout")
    ('replica-behind', 'model: timeout')
    """
    kind = line.partition(":")[0]
    return line if kind == "model" else kind


def exemplar_of(slate_id: str) -> dict[str, str] | None:
    """
    What ties a bucket of a histogram to one slate; none where the id is longer than they may be.

    >>> exemplar_of("slate-events-0-1"), exemplar_of("slate-" + "tenant." * 20 + "events-0-1")
    ({'slate_id': 'slate-events-0-1'}, None)

    Source:
        OpenMetrics 1.0, Exemplars: 128 characters of names and values together.
    """
    name = "slate_id"
    return {name: slate_id} if len(name) + len(slate_id) <= 128 else None
