"""From the settings to a language model, or to none."""

from __future__ import annotations

from agents.model_settings import ModelSettings
from slates.calls import Server
from slates.cassettes import Cassette
from slates.model import Model
from slates.remote import Estimate, Manners, RemoteModel


def most_tokens(text: str) -> int:
    """
    Tokens of a text at most, for servers that do not count: no token is shorter than a byte.

    >>> most_tokens("Müller")
    7
    """
    return len(text.encode(errors="replace"))


def connect(settings: ModelSettings) -> Server | None:
    """
    The server of the settings, which must be closed; None where there is none or none is needed.

    Raises:
        BadSetting: It is not on this machine and must be.
    """
    played = settings.cassette is not None and settings.cassette_mode == "replay"
    if not settings.base_url or played:
        return None
    from slates.llm import OpenAIServer  # takes long, and most have no server

    key = settings.api_key.get_secret_value()
    return OpenAIServer(settings.base_url, key=key, local_only=settings.local_only)


def make_model(
    settings: ModelSettings, *, server: Server | None, estimate: Estimate = most_tokens
) -> Model | None:
    """
    The model of the settings; None where there is none.

    Args:
        settings: Which, and how it is asked.
        server: As `connect` gave it.
        estimate: Tokens of a text, where the server does not count.

    Raises:
        SetupError: A cassette that cannot be recorded or played.
    """
    model = None if server is None else RemoteModel(server, manners(settings), estimate=estimate)
    if settings.cassette is None:
        return model
    return Cassette(
        settings.cassette,
        mode=settings.cassette_mode,
        small=settings.small[0],
        large=(settings.large or settings.small)[0],
        model=model,
    )


def manners(settings: ModelSettings) -> Manners:
    """How the settings want models to be asked."""
    return Manners(
        small=settings.small,
        large=settings.large,
        timeout=settings.timeout.total_seconds(),
        concurrency=settings.concurrency,
        retries=settings.retries,
        temperature=settings.temperature,
        failures=settings.breaker_failures,
        rest=settings.breaker_rest.total_seconds(),
        hopeless_rest=settings.hopeless_rest.total_seconds(),
    )
