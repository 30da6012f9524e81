"""Settings of the language model: who is asked, what it may take, and what may leave for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from agents.setting_kinds import Duration, Names, Part
from slates.cassettes import Mode
from slates.dialect import COOLEST, WARMEST
from slates.facts import Style
from slates.meaning import THRESHOLD


class ModelSettings(Part):
    """The language model; without `base_url` there is none.  See docs/model-servers.md."""

    base_url: str = ""
    """Where an OpenAI-compatible API begins, such as `http://127.0.0.1:8000/v1`."""
    api_key: SecretStr = SecretStr("")
    """What the server wants to be shown; never logged, never shown."""
    small: Names = ()
    """Names of models as the server knows them; the next is asked where one fails."""
    large: Names = ()
    """Likewise, for what a small one was in doubt of; where left out nobody is asked again."""
    timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=20)
    """The longest wait for one answer."""
    concurrency: Annotated[int, Field(ge=1)] = 8
    """Questions at a time, of one worker."""
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    """How often a question is asked again after a failure that may pass."""
    temperature: Annotated[float, Field(ge=COOLEST, le=WARMEST)] | None = None
    """Of all questions; what each prompt asks for where left out."""
    breaker_failures: Annotated[int, Field(ge=1)] = 5
    """Failures in a row after which a model is left alone."""
    breaker_rest: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)
    """For how long; then one question tries."""
    hopeless_rest: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=5)
    """For how long after a wrong key, or for a model that the server does not have."""
    local_only: bool = False
    """Refuse a server that is not on this machine; tests set it, and so can you."""
    cassette: Path | None = None
    """File of recorded answers."""
    cassette_mode: Mode = "replay"
    """`replay` needs no server and asks none; `record`, `replay-or-record` need one."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.base_url and self.cassette is None:
            return self
        if not self.small:
            raise ValueError("small: name the model to ask, as the server knows it")
        where = urlsplit(self.base_url)
        if self.base_url and not (where.scheme in {"http", "https"} and where.hostname):
            raise ValueError("base_url: expected http://… or https://…")
        if where.username or where.password or where.query:
            raise ValueError("base_url: holds more than an address; a key goes into api_key")
        key = self.api_key.get_secret_value()
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValueError(
                "api_key: has a space, a line break or an accent; was it pasted whole?"
            )
        return self


class PriceSettings(Part):
    """What a million tokens of a model cost."""

    prompt: Annotated[float, Field(ge=0)] = 0.0
    """Tokens that are read."""
    cached: Annotated[float, Field(ge=0)] | None = None
    """Of those, the ones that the server had in its cache; as the others where left out."""
    completion: Annotated[float, Field(ge=0)] = 0.0
    """Tokens that are written."""


Tokens = Annotated[int, Field(ge=0)]


class BudgetSettings(Part):
    """The most that a language model may take; each is hard.  See docs/token-economy.md."""

    user_tokens: Tokens | None = 20_000
    """Of one user in an hour, on one worker; None is no limit."""
    hour_tokens: Tokens | None = 1_000_000
    """Of all users in an hour, on one worker."""
    process_tokens: Tokens | None = None
    """Of one worker since it began."""
    day_money: Annotated[float, Field(ge=0)] | None = None
    """In the currency of the prices, in a day, on one worker; needs prices."""
    prices: Mapping[str, PriceSettings] = {}
    """Name of a model to what a million of its tokens cost."""
    batch: Annotated[int, Field(ge=1, le=20)] = 6
    """Questions of several users in one call; 1 puts none together."""

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.day_money is not None and not self.prices:
            raise ValueError("day_money: needs prices, or nothing would ever count")
        return self


class CacheSettings(Part):
    """Answers of a language model that are given again."""

    most: Annotated[int, Field(ge=0)] = 2_000
    """Answers that are remembered; 0 is none."""
    max_age: Duration = timedelta(hours=1)
    """For how long."""
    semantic: bool = True
    """Does an answer also serve a request in other words that means the same?"""
    threshold: Annotated[float, Field(gt=0, le=1)] = THRESHOLD
    """Cosine from which on it may."""


class PrivacySettings(Part):
    """What may leave the process; see docs/privacy.md."""

    user_text: bool = False
    """May a prompt hold what a user wrote?  It is redacted all the same."""
    log_texts: bool = False
    """Are prompts and replies logged as they are?  If not, as hashes.  For debugging only."""


class ToldSettings(Part):
    """The sentences that a language model writes; see docs/explaining.md."""

    language: str = ""
    """`en`, `de`, `zh`, or that of the file `tongue`; where left out, that of the slates."""
    tongue: Path | None = None
    """File with what may be said in a language of your own."""
    style: Style = "plain"
    """`plain`, `warm` or `brief`."""


class EnhanceSettings(Part):
    """Words that are added to items, after they can be found."""

    items: Literal["off", "words", "model"] = "model"
    """
    `words` picks keywords and a sentence from the item's text, `model` asks the language model
    where there is one, `off` adds nothing.
    """
    batch: Annotated[int, Field(ge=1, le=32)] = 8
    """Items in one question to the model."""
    within: Duration = timedelta(seconds=30)
    """How long the model may take for its answer; nobody waits for it."""
    language: Annotated[str, Field(pattern="^[a-z]{2}$")] = "en"
    """The catalogue's language, for keywords."""
    users: bool = True
    """Does a model write down, unasked, what users like whose slates it refines?"""
