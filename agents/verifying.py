"""
Hold what a replay folds against what the workers have made durable.

Workers go on meanwhile, so nothing is compared as of one moment: each profile and each trend says
itself up to which event it was folded (its guard), and exactly those events are compared.  That it
was folded far enough is proven by the offsets that were committed before the state was read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from agents.differences import Difference, Named, unlike
from agents.durable import Live, UserKey
from agents.replaying import Fresh
from agents.spans import Span
from streams import topics
from streams.kafka import Record
from streams.origins import Origin
from streams.profiles import Profile
from streams.topics import Topics
from streams.trends import CoVisit, Trend, fold


@dataclass(slots=True)
class Verdict:
    """What the comparison came to."""

    trends_settled: bool
    """If not, trends may lack events, and those that are only to be are not missed."""
    uncommitted: int
    """Offsets at the log's end that the workers had not committed, so that nothing is missed."""
    compared: Counter[str] = field(default_factory=Counter)
    """Changelog to its values that were compared, those that differ included."""
    differences: list[Difference] = field(default_factory=list)
    older: list[Named] = field(default_factory=list)
    """Contains events from before the span: not to be compared."""
    newer: list[Named] = field(default_factory=list)
    """Contains, or may contain, events from after the span: not to be compared."""


class Verifying:
    """
    An `agents.replaying.Watch` that keeps each value as of its live counterpart's guard.

    What has no live counterpart is kept as of what was committed.
    """

    def __init__(self, live: Live, names: Topics, *, half_life: float) -> None:
        """Look on from the beginning; `half_life` is that of trends, in seconds."""
        self._live = live
        self._events = names.name(topics.EVENTS)
        self._profiles_topic = names.name(topics.PROFILES)
        self._trends_topic = names.name(topics.ITEM_TRENDS)
        self._half_life = half_life
        self._as_of: dict[UserKey, Profile | None] = {}
        self._begun: set[UserKey] = set()
        self._trends: dict[str, Trend] = {}
        self._lacking: dict[UserKey | str, Origin] = {}

    def folded(
        self, record: Record, user_id: str, before: Profile | None, after: Profile | None
    ) -> None:
        """Keep what was known before the first event that the live profile need not contain."""
        key = (record.partition, user_id)
        live = self._live.profiles.get(key)
        committed = self._is_committed(record.partition, record.offset)
        if live is None:
            if not committed and before is None:
                self._as_of.setdefault(key, None)
        elif record.offset > live.offset:
            self._as_of.setdefault(key, before)
            if committed:
                self._lack(key, record.partition, record.offset)
        elif after is None:
            self._begun.add(key)

    def visited(self, item_id: str, visit: CoVisit) -> None:
        """Fold what the live trend contains by its guards; all it should where there is none."""
        live = self._live.trends.get(item_id)
        contained = live is not None and visit.offset <= live.applied.get(visit.partition, -1)
        due = self._live.trends_settled and self._is_committed(visit.partition, visit.offset)
        if due and not contained:
            self._lack(item_id, visit.partition, visit.offset)
        if contained or (due and live is None):
            before = self._trends.get(item_id) or Trend()
            self._trends[item_id] = fold(before, visit, half_life=self._half_life)

    def _is_committed(self, partition: int, offset: int) -> bool:
        return offset < self._live.committed.get(partition, 0)

    def _lack(self, key: UserKey | str, partition: int, offset: int) -> None:
        self._lacking.setdefault(key, Origin(self._events, partition, offset))

    def verdict(self, replayed: Fresh[Profile], span: Span) -> Verdict:
        """
        Compare, once everything is folded.

        Args:
            replayed: The profiles that were folded while this looked on.
            span: What was folded.
        """
        committed = self._live.committed
        left = sum(max(end - committed.get(p, 0), 0) for p, end in span.ends.items())
        comparing = _Comparing(span, Verdict(self._live.trends_settled, left))
        self._compare_profiles(comparing, replayed)
        self._compare_trends(comparing)
        return comparing.verdict

    def _compare_profiles(self, comparing: _Comparing, replayed: Fresh[Profile]) -> None:
        found: dict[UserKey, Profile | None] = {
            (partition, user_id): profile
            for partition, shard in replayed.shards.items()
            for user_id, profile in shard.items()
        }
        found |= self._as_of
        for key in sorted(found.keys() | self._live.profiles.keys()):
            partition, user_id = key
            live = self._live.profiles.get(key)
            # Who is not there may have been forgotten by any event, the log's last one included.
            gone_by = comparing.span.ends.get(partition, 0) - 1
            comparing.compare(
                Named(self._profiles_topic, user_id, partition),
                live,
                found.get(key),
                guards={partition: gone_by if live is None else live.offset},
                lacks=self._lacking.get(key),
                begun=key in self._begun,
            )

    def _compare_trends(self, comparing: _Comparing) -> None:
        for item_id in sorted(self._trends.keys() | self._live.trends.keys()):
            live = self._live.trends.get(item_id)
            comparing.compare(
                Named(self._trends_topic, item_id),
                live,
                self._trends.get(item_id),
                guards={} if live is None else live.applied,
                lacks=self._lacking.get(item_id),
            )


@dataclass(frozen=True, slots=True)
class _Comparing:
    """Sorts values into what differs, what does not, and what cannot be compared."""

    span: Span
    verdict: Verdict

    def compare(
        self,
        of: Named,
        live: Profile | Trend | None,
        fresh: Profile | Trend | None,
        *,
        guards: Mapping[int, int],
        lacks: Origin | None,
        begun: bool = False,
    ) -> None:
        """
        Hold one value against the other.

        Args:
            of: Whose they are.
            live: What the workers have.
            fresh: What the log gives.
            guards: Partition of `events` to the last event that the live value contains.
            lacks: A committed event that it does not contain.
            begun: Did it begin from nothing within the span?
        """
        if live is None and fresh is None:
            return
        beyond = self._beyond(live, fresh, guards=guards, begun=begun)
        if beyond is not None and lacks is None:
            beyond.append(of)
            return
        if beyond is not None:
            fresh = live  # that it lacks an event is all that is certain
        elif live is not None and fresh is not None and self._is_cut(guards):
            fresh = _as_far_as_known(live, fresh)
        self.verdict.compared[of.topic] += 1
        if lacks is not None or live is None or fresh is None or unlike(live, fresh):
            self.verdict.differences.append(Difference(of, live, fresh, lacks))

    def _beyond(
        self,
        live: Profile | Trend | None,
        fresh: Profile | Trend | None,
        *,
        guards: Mapping[int, int],
        begun: bool,
    ) -> list[Named] | None:
        """Where a value belongs that contains events from outside the span; None if none does."""
        stops, ends = self.span.stops, self.span.ends
        # A guard behind the log's end is no newer event, but wrong.
        if any(stops.get(p, 0) <= guard < ends.get(p, 0) for p, guard in guards.items()):
            return self.verdict.newer
        cut = not begun and self._is_cut(guards)
        return self.verdict.older if cut and _events(live) > _events(fresh) else None

    def _is_cut(self, partitions: Iterable[int]) -> bool:
        """May there be events from before the span?"""
        return any(self.span.starts.get(partition, 0) > 0 for partition in partitions)


def _as_far_as_known(live: Profile | Trend, fresh: Profile | Trend) -> Profile | Trend:
    """What users had come to before the span is not in it, so who came first is not compared."""
    if isinstance(live, Trend) and isinstance(fresh, Trend):
        return msgspec.structs.replace(fresh, predecessors=live.predecessors)
    return fresh


def _events(value: Profile | Trend | None) -> int:
    """How many events a value says that it contains."""
    if value is None:
        return 0
    return value.interactions if isinstance(value, Trend) else sum(value.counters.values())
