"""What is added to items, and written of users, in the background."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from agents.asking import asking_with
from agents.cataloguing import Cataloguing
from agents.describing import Describing
from agents.enhancing import Enhancing, Owned
from agents.preferring import Preferring
from agents.rereading import Rereading
from agents.settings import Settings
from agents.tables import FoldTable
from agents.wanting import Wanting
from agents.wiring.items import Knowing
from agents.wiring.sockets import Sockets
from slates.books import Books
from slates.enhancing import load_enhance
from slates.extracting import Extractor
from slates.model import Model
from slates.preferences import load_preferences
from slates.summaries import Encode
from streams import topics
from streams.kafka import LogReader
from streams.profiles import Profile


def make_wanting(settings: Settings, roles: Sequence[str], model: Model | None) -> Wanting | None:
    """Which items wait is kept by those who add to them, and by nobody else."""
    if "cataloguing" not in roles or settings.enhance.items == "off":
        return None
    return Wanting(asks=model is not None and settings.enhance.items == "model")


def register_enhancing(
    sockets: Sockets,
    knowing: Knowing,
    service: Cataloguing,
    *,
    model: Model | None,
    encode: Encode,
    books: Books,
    caught_up: Callable[[], Awaitable[None]],
) -> None:
    """Items that can be found get tags and a sentence."""
    wanting, settings = knowing.catalogue.wanting, sockets.settings
    if wanting is None:
        return
    asked = model if settings.enhance.items == "model" else None
    describing = Describing(
        make_extract=partial(Extractor, settings.enhance.language),
        asking=asking_with(load_enhance(), settings, asked),
        said_of=knowing.catalogue.said_of,
        metrics=sockets.metrics,
        encode=encode,
        books=books,
    )
    sockets.services.append(
        Enhancing(
            catalogue=knowing.catalogue,
            wanting=wanting,
            rereading=Rereading(partial(_reader, sockets)),
            describing=describing,
            caught_up=caught_up,
            owned=partial(_owned, sockets),
            unfolded=sockets.unfolded,
            add=service.add,
            batch=settings.enhance.batch,
            metrics=sockets.metrics,
        )
    )


def make_preferring(
    sockets: Sockets, knowing: Knowing, profiles: FoldTable[Profile], model: Model | None
) -> Preferring | None:
    """What writes down what users like; None where there is no model to do it unasked."""
    asking = asking_with(load_preferences(), sockets.settings, model)
    if asking is None or not sockets.settings.enhance.users:
        return None
    service = Preferring(
        profiles=profiles,
        knowledge=knowing.catalogue,
        asking=asking,
        outbox=sockets.outbox,
        topic=sockets.names.name(topics.EVENTS),
        metrics=sockets.metrics,
    )
    sockets.services.append(service)
    return service


def _reader(sockets: Sockets, partitions: Sequence[int]) -> LogReader:
    return LogReader(sockets.broker, sockets.names.name(topics.ITEMS), partitions=partitions)


def _owned(sockets: Sockets) -> Owned:
    """Asked only once the worker is ready: before, there is no consumer."""
    name, app = sockets.names.name(topics.ITEMS), sockets.app
    ours = (tp.partition for tp in app.consumer.assignment() if tp.topic == name)
    return Owned(app.consumer_generation_id, frozenset(ours))
