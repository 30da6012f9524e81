"""The roles profiling and recommending, which share the profiles of the users they own."""

from __future__ import annotations

from collections.abc import Callable

from agents import answering, profiling
from agents.answering import Answering
from agents.profiling import Profiling
from agents.proposing import Proposing
from agents.recommending import Recommending
from agents.scoring import Scoring
from agents.tables import FoldTable
from agents.teaching import Teaching
from agents.wiring.enhancing import make_preferring
from agents.wiring.items import Knowing
from agents.wiring.model import Advice
from agents.wiring.sockets import Sockets
from indexes.embedding import MODEL
from streams import topics
from streams.profiles import (
    Profile,
    contained,
    decode_profile,
    encode_profile,
    glance_profile,
)


def register_slates(sockets: Sockets, knowing: Knowing, advice: Advice | None) -> None:
    """Events become profiles, and requests become slates."""
    scoring = Scoring(gains=sockets.settings.gains(), metrics=sockets.metrics)
    profiles = sockets.table(
        topics.EVENTS,
        topics.PROFILES,
        encode=encode_profile,
        decode=decode_profile,
        contained=contained,
        glance=glance_profile,
    )
    about_users = None if advice is None else advice.economy.about_items(personal=True)
    preferring = make_preferring(sockets, knowing, profiles, about_users)
    proposing = _proposing(
        sockets,
        knowing,
        advice,
        proposed=_ignore if preferring is None else preferring.consider,
    )
    answers = Answering(
        recommending=_recommending(
            sockets,
            knowing,
            profiles,
            proposing=proposing,
            scoring=scoring,
        ),
        consuming=sockets.consuming,
        unfolded=sockets.unfolded,
        metrics=sockets.metrics,
    )
    sockets.turns.give_way(sockets.unfolded)
    sockets.turns.give_way(answers.waiting)
    sockets.services.append(answers)
    answering.register(sockets.app, source=sockets.source(topics.SLATE_REQUESTS), answering=answers)
    _register_profiling(sockets, knowing, profiles, answers=answers, scoring=scoring)


def _register_profiling(
    sockets: Sockets,
    knowing: Knowing,
    profiles: FoldTable[Profile],
    *,
    answers: Answering,
    scoring: Scoring,
) -> None:
    settings = sockets.settings
    profiling.register(
        sockets.app,
        source=sockets.source(topics.EVENTS),
        consuming=sockets.consuming,
        profiling=Profiling(
            profiles=profiles,
            outbox=sockets.outbox,
            names=sockets.names,
            gains=settings.gains(),
            max_ahead=settings.events.max_ahead.total_seconds(),
            metrics=sockets.metrics,
            expect=answers.expect,
            teach=_teaching(sockets, knowing).teach,
            observe=scoring.observe,
            slate_per_event=settings.slate_per_event,
        ),
    )


def _recommending(
    sockets: Sockets,
    knowing: Knowing,
    profiles: FoldTable[Profile],
    *,
    proposing: Proposing,
    scoring: Scoring,
) -> Recommending:
    return Recommending(
        profiles=profiles,
        catalogue=knowing.catalogue,
        replicas=knowing.replicas,
        outbox=sockets.outbox,
        topic=sockets.names.name(topics.RECOMMENDATIONS),
        menu=sockets.menu,
        deadline=sockets.settings.request_deadline.total_seconds(),
        encoder=MODEL,
        metrics=sockets.metrics,
        proposing=proposing,
        slated=scoring.slated,
    )


def _ignore(user_id: str, partition: int) -> None:
    """Without a model nobody writes down unasked what users like."""


def _nothing(_: str) -> str:
    """Without a model nothing of it can be lacking."""
    return ""


def _proposing(
    sockets: Sockets,
    knowing: Knowing,
    advice: Advice | None,
    *,
    proposed: Callable[[str, int], None],
) -> Proposing:
    return Proposing(
        catalogue=knowing.catalogue,
        outbox=sockets.outbox,
        names=sockets.names,
        has_model=advice is not None,
        lacking=_nothing if advice is None else advice.lacking,
        max_bytes=sockets.settings.events.max_bytes,
        metrics=sockets.metrics,
        own_words=sockets.settings.privacy.user_text,
        proposed=proposed,
    )


def _teaching(sockets: Sockets, knowing: Knowing) -> Teaching:
    settings = sockets.settings
    return Teaching(
        catalogue=knowing.catalogue,
        config=sockets.menu.strategies[settings.strategy],
        gains=settings.gains(),
        outbox=sockets.outbox,
        names=sockets.names,
        per_second=settings.lessons_per_second,
        is_ready=lambda: all(replica.ready.is_set() for replica in knowing.replicas),
        unfolded=sockets.unfolded,
        metrics=sockets.metrics,
    )
