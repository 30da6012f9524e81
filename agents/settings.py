"""
Every setting, read from the environment or `headwater.toml` in one place.

A wrong value or an unknown name stops the program at start and is named: a misspelt setting that
is silently ignored costs a night.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from agents.model_settings import (
    BudgetSettings,
    CacheSettings,
    EnhanceSettings,
    ModelSettings,
    PrivacySettings,
    ToldSettings,
)
from agents.setting_kinds import Address, Duration, Part, Span
from slates.config import SlateConfig
from slates.scenarios import SCENARIOS
from slates.strategies import Menu, Strategies, load_strategies
from streams.errors import BadSetting
from streams.events import DEFAULT_GAINS, Gains
from streams.kafka import Security
from streams.topics import Topics

PREFIX = "HEADWATER_"
TOML_FILE = "headwater.toml"
EMBEDDED = "embedded"

# Read by Headwater's surroundings, not by this tree.
_FOREIGN = {
    "HEADWATER_KAFKA_JARS",
    "HEADWATER_RELIABILITY",
    "HEADWATER_REQUIRE_BROWSER",
    "HEADWATER_REQUIRE_KAFKA",
    "HEADWATER_REQUIRE_PROMTOOL",
}


# Parts of which no value is shown in an error: a key may stand under a misspelt name.
_SECRET = {"security", "model"}

_WORDS = {"extra_forbidden": "is not a setting"}
"""What pydantic calls it, and we; the other errors are left in its words."""


class EventSettings(Part):
    """What may stand on `events`."""

    gains: Mapping[str, float] = DEFAULT_GAINS
    """Action to gain; an action that is not here is rejected with its name."""
    rating_neutral: float = 2.75
    """Stars that say nothing either way."""
    rating_best: float = 5.0
    """The most stars there are."""
    max_ahead: Duration = timedelta(days=1)
    """How far an event's time may be later than its receipt."""
    max_bytes: Annotated[int, Field(ge=100)] = 262_144
    """Largest event, item or request; a larger one is a dead letter."""


class IndexSettings(Part):
    """The index of item vectors."""

    kind: Literal["hnsw", "exact"] = "hnsw"
    """`hnsw` searches a graph; `exact` compares with every item, for up to about 20,000."""
    snapshot_every: Duration = timedelta(seconds=30)
    """How often changes are written to the state folder."""


class MetricsSettings(Part):
    """The metrics server."""

    host: str = "127.0.0.1"
    """Where it listens; loopback unless you mean otherwise."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 9464
    """0 takes a free one."""


class GatewaySettings(Part):
    """HTTP, server-sent events and the page."""

    host: str = "127.0.0.1"
    """Where it listens; anything but loopback needs `keys`."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """0 takes a free one."""
    keys: Path | None = None
    """File of API keys, made by `headwater gateway-keys`; without it everything is open."""
    token_secret: SecretStr = SecretStr("")
    """Signs the tokens of browsers, 32 bytes at least; drawn at start where left out."""
    answer_within: Duration = timedelta(seconds=2)
    """How long `POST /slates` waits for its answer before it gives the newest slate there is."""
    send_within: Duration = timedelta(seconds=5)
    """How long the broker may take to acknowledge, before an event is answered with 503."""
    max_body: Annotated[int, Field(ge=1024)] = 1_048_576
    """Bytes of a request's body at most."""
    read_within: Duration = timedelta(seconds=10)
    """How long a client may take to send its headers, and again its body."""
    per_second: Annotated[int, Field(ge=1)] = 200
    """Requests a second from one key, token or, where open, address."""
    streams: Annotated[int, Field(ge=1)] = 2_000
    """Streams of server-sent events open at once."""
    streams_each: Annotated[int, Field(ge=1)] = 2_000
    """Of those, by one key or address."""
    origins: tuple[str, ...] = ()
    """Web origins that may call from a browser (CORS); none but our own where left out."""


class SecuritySettings(Part):
    """How to talk to a Kafka that asks for TLS or a password."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """As the broker's listener has it."""
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How the password is proven, where the protocol is SASL."""
    username: str = ""
    """Who we are to the brokers."""
    password: SecretStr = SecretStr("")
    """Never logged, never shown."""
    ca_file: Path | None = None
    """PEM file of who signs the brokers' certificates; the system's list where left out."""
    certificate_file: Path | None = None
    """PEM file of our own certificate, for brokers that ask for one."""
    key_file: Path | None = None
    """PEM file of its key."""
    key_password: SecretStr = SecretStr("")
    """Of that file; never logged, never shown."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.protocol.startswith("SASL") and not (self.username and self.password):
            raise ValueError(f"protocol {self.protocol} needs username and password")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file belong together")
        return self


class Settings(BaseSettings):
    """
    Headwater's settings.

    Set them as `HEADWATER_NAME`, those of a part as `HEADWATER_PART__NAME`, or in `headwater.toml`
    in the working folder; the environment wins.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        toml_file=TOML_FILE,
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    broker: Address = EMBEDDED
    """`embedded`, or `host:port` of Apache Kafka, several with commas between."""
    broker_patience: Duration = timedelta(seconds=30)
    """How long a program tries to reach the broker before it gives up."""
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", max_length=200)] = ""
    """Put before every topic and group name; separates tenants on one Kafka."""
    partitions: Annotated[int, Field(ge=1, le=1024)] = 4
    """Partitions of every topic; also the most workers that can share the work."""
    replication: Annotated[int, Field(ge=1)] = 1
    """Copies of every topic on a real Kafka; 3 where there are three brokers."""
    state_dir: Path = Path("var/headwater")
    """Where snapshots and the embedded broker's address are kept."""
    data_dir: Path | None = None
    """Folder with evaluation data; what needs it is skipped without."""
    commit_interval: Span = timedelta(seconds=1)
    """How often state is written to its changelog and offsets are committed."""
    session_timeout: Span = timedelta(seconds=10)
    """After how long a silent worker's partitions go to others."""
    stall_timeout: Span = timedelta(minutes=2)
    """After how long a worker ends that has records to deal with and deals with none."""
    slate_per_event: bool = True
    """Is every interaction answered with a slate?  If not, only requests are."""
    strategy: str = "hybrid"
    """How slates are built where the request does not say."""
    scenarios: Mapping[str, str] = {}
    """Scenario to the strategy of its slates, where that is not the one above."""
    strategies: Path | None = None
    """TOML file with strategies of your own; see docs/strategies.md."""
    lessons_per_second: Annotated[float, Field(ge=0)] = 10.0
    """How many interactions a second teach the ranker at most, each worker; 0 is none."""
    request_deadline: Duration = timedelta(seconds=5)
    """How long a slate request waits for a worker that is still catching up."""
    security: SecuritySettings = SecuritySettings()
    events: EventSettings = EventSettings()
    index: IndexSettings = IndexSettings()
    slates: SlateConfig = SlateConfig()  # type: ignore[call-arg]
    metrics: MetricsSettings = MetricsSettings()
    gateway: GatewaySettings = GatewaySettings()
    enhance: EnhanceSettings = EnhanceSettings()
    model: ModelSettings = ModelSettings()
    budget: BudgetSettings = BudgetSettings()
    cache: CacheSettings = CacheSettings()
    privacy: PrivacySettings = PrivacySettings()
    told: ToldSettings = ToldSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def embedded(self) -> bool:
        """Is the broker the embedded one?"""
        return self.broker == EMBEDDED

    def secured(self) -> Security:
        """How clients of the broker prove themselves."""
        part = self.security
        return Security(
            protocol=part.protocol,
            mechanism=part.mechanism,
            username=part.username,
            password=part.password.get_secret_value(),
            ca_file=part.ca_file,
            certificate_file=part.certificate_file,
            key_file=part.key_file,
            key_password=part.key_password.get_secret_value(),
        )

    @model_validator(mode="after")
    def _embedded_is_open(self) -> Self:
        if self.embedded and self.security.protocol != "PLAINTEXT":
            raise ValueError(
                "HEADWATER_SECURITY__PROTOCOL is for a real Kafka: set HEADWATER_BROKER, too"
            )
        return self

    @property
    def group(self) -> str:
        """The consumer group of the workers."""
        return f"{self.topic_prefix}headwater"

    def state_of(self, cluster: str) -> Path:
        """
        Where state of one log is kept: that of another cluster or tenant must not be mistaken.

        >>> Settings(state_dir=Path("var"), topic_prefix="shop.").state_of("a/b").name
        'shop.a_b'
        """
        name = f"{self.topic_prefix}{cluster}"
        return self.state_dir / "".join(c if c.isalnum() or c in "-_." else "_" for c in name)

    @property
    def ledger(self) -> Path:
        """Where it is kept what language models cost this tenant."""
        return self.state_dir / f"{self.topic_prefix}ledger.sqlite"

    def topics(self) -> Topics:
        """The table of topics under this prefix."""
        return Topics(prefix=self.topic_prefix, partitions=self.partitions)

    def known_strategies(self) -> Strategies:
        """
        Those that come with Headwater, and your own.

        Raises:
            BadSetting: The file is wrong, or the default strategy is in none, or what follows from
                the gains is set beside them.
        """
        if "visits" in self.slates.model_fields_set:
            raise BadSetting(f"{PREFIX}SLATES__VISITS: set {PREFIX}EVENTS__GAINS instead")
        base = self.slates.model_copy(update={"visits": self.gains().visits()})
        known = load_strategies(base, self.strategies)
        if self.strategy not in known:
            names = ", ".join(sorted(known))
            raise BadSetting(f"{PREFIX}STRATEGY: {self.strategy!r} is none of {names}")
        self._check_scenarios(known)
        return known

    def menu(self) -> Menu:
        """
        Which strategy a request gets.

        Raises:
            BadSetting: As `known_strategies`.
        """
        return Menu(self.known_strategies(), self.strategy, self.scenarios)

    def _check_scenarios(self, known: Strategies) -> None:
        for scenario, strategy in self.scenarios.items():
            for what, named, there in (
                ("scenario", scenario, SCENARIOS),
                ("strategy", strategy, known.keys()),
            ):
                if named not in there:
                    names = ", ".join(sorted(there))
                    raise BadSetting(f"{PREFIX}SCENARIOS: {what} {named!r} is none of {names}")

    def gains(self) -> Gains:
        """The strength of actions, as folds take it."""
        return Gains(self.events.gains, self.events.rating_neutral, self.events.rating_best)


def load_settings(**overrides: Any) -> Settings:
    """
    Read the settings.

    Args:
        **overrides: Values that win over environment and file, such as command-line options.

    Raises:
        BadSetting: A value is wrong or a name is unknown; the message names each.
    """
    _refuse_unknown_names(os.environ)
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as exc:
        raise BadSetting("; ".join(_lines(exc))) from exc
    except SettingsError as exc:
        raise BadSetting(_unread(exc)) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as exc:
        raise BadSetting(f"{Path(TOML_FILE).absolute()}: cannot be read: {exc}") from exc


def _refuse_unknown_names(environ: Mapping[str, str]) -> None:
    """pydantic-settings reads the names it knows; the others would go unnoticed."""
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    for name in environ:
        upper = name.upper()
        ours = upper.startswith(PREFIX) and upper not in _FOREIGN
        if ours and upper.split("__")[0] not in known:
            raise BadSetting(f"{name} is not a setting; known are {', '.join(sorted(known))}")


def _unread(exc: SettingsError) -> str:
    """A part given as one variable; pydantic-settings names its field, and we no value."""
    field = next((name for name in Settings.model_fields if f'"{name}"' in str(exc)), "")
    return f"{PREFIX}{field.upper()}: expected JSON, or one variable for each of its settings"


def _lines(exc: ValidationError) -> list[str]:
    return [
        _line(error["loc"], _WORDS.get(error["type"], error["msg"]), error["input"])
        for error in exc.errors()
    ]


def _line(place: tuple[int | str, ...], message: str, value: Any) -> str:
    """Name the setting and what was given, except where that is or holds a secret."""
    name = "__".join(str(part).upper() for part in place)
    shown = "" if not place or place[0] in _SECRET else f" (got {value!r})"
    said = message.removeprefix("Value error, ")
    return f"{PREFIX}{name}: {said}{shown}" if place else said
