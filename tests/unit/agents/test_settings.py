"""A wrong setting is named at start, and a secret is never shown."""

import re
from pathlib import Path

import msgspec
import pytest

from agents.settings import load_settings
from agents.wiring.model import refinements_of
from slates.reranking import Rerank
from streams.errors import BadSetting
from streams.requests import SlateRequest

SECRET = "do not tell"
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder without a settings file."""
    monkeypatch.chdir(tmp_path)


def secured(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    monkeypatch.setenv("HEADWATER_BROKER", "kafka:9093")
    for name, value in values.items():
        monkeypatch.setenv(f"HEADWATER_SECURITY__{name.upper()}", value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADWATER_PARTITIONS", "many"),
        ("HEADWATER_INDEX__KIND", "annoy"),
        ("HEADWATER_SECURITY__PROTOCOL", "TLS"),
        ("HEADWATER_NO_SUCH_THING", "1"),
        ("HEADWATER_INDEX__NO_SUCH_THING", "1"),
        ("HEADWATER_BROKER", ""),
        ("HEADWATER_BROKER", "kafka:many"),
        ("HEADWATER_BROKER", "kafka:9092,"),
        ("HEADWATER_BROKER", "kafka:70000"),
        ("HEADWATER_BROKER", "PLAINTEXT://kafka:9092"),
        ("HEADWATER_BROKER_PATIENCE", "-1"),
        ("HEADWATER_BROKER_PATIENCE", "inf"),
        ("HEADWATER_COMMIT_INTERVAL", "0"),
        ("HEADWATER_SESSION_TIMEOUT", "-10"),
        ("HEADWATER_TOPIC_PREFIX", "a shop/"),
        ("HEADWATER_EVENTS", "{"),
        ("HEADWATER_SCENARIOS", "home"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting, match=name):
        load_settings()


@pytest.mark.parametrize("file", [".ci/run", "Makefile"])
def test_what_our_own_tools_set_is_known(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    names = re.findall(r"\bHEADWATER_[A-Z_]+(?==)", (ROOT / file).read_text("utf-8"))
    assert names
    for name in names:
        monkeypatch.setenv(name, "1")
    load_settings()


@pytest.mark.parametrize("broker", ["embedded", "kafka", "a:9092, b:9093", "[::1]:9092"])
def test_an_address_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, broker: str) -> None:
    monkeypatch.setenv("HEADWATER_BROKER", broker)
    assert load_settings().broker == broker


@pytest.mark.parametrize("content", [b'broker = "x', b"\xff\xfe", b"broker = 1\nbroker = 2"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "headwater.toml").write_bytes(content)
    with pytest.raises(BadSetting, match=r"headwater\.toml: cannot be read"):
        load_settings()


def test_a_misspelt_setting_of_a_part_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_INDEX__KID", "hnsw")
    with pytest.raises(BadSetting, match="HEADWATER_INDEX__KID: is not a setting"):
        load_settings()


def test_a_password_reaches_the_client_and_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    secured(monkeypatch, protocol="SASL_SSL", username="ann", password=SECRET)
    settings = load_settings()
    security = settings.secured()
    assert security.password == SECRET
    assert SECRET not in f"{settings!r} {settings} {security!r} {security}"
    assert SECRET not in settings.model_dump_json()


@pytest.mark.parametrize(
    "values",
    [
        {"protocol": "SASL_SSL", "password": SECRET},
        {"protocol": "nonsense", "username": "ann", "password": SECRET},
        {"protocol": "SSL", "key_file": "key.pem", "key_password": SECRET},
    ],
    ids=["no user", "no such protocol", "a key without certificate"],
)
def test_an_error_beside_a_secret_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str]
) -> None:
    secured(monkeypatch, **values)
    with pytest.raises(BadSetting, match="HEADWATER_SECURITY") as raised:
        load_settings()
    assert SECRET not in str(raised.value)


def test_the_embedded_broker_cannot_be_secured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_SECURITY__PROTOCOL", "SSL")
    with pytest.raises(BadSetting, match="HEADWATER_BROKER"):
        load_settings()


def test_strategies_know_by_which_actions_one_comes_to_an_item() -> None:
    gains = {"finish": 1.0, "rating": 2.0, "skip": -1.0}
    settings = load_settings(events={"gains": gains})
    visits = {strategy.visits for strategy in settings.known_strategies().values()}
    assert visits == {frozenset({"finish", "rating"})}


def test_that_cannot_be_set_apart_from_the_gains() -> None:
    settings = load_settings(slates={"visits": ["click"]})
    with pytest.raises(BadSetting, match="HEADWATER_EVENTS__GAINS"):
        settings.known_strategies()


def modelled(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    given = {"base_url": "http://127.0.0.1:8000/v1", "small": "mini", **values}
    for name, value in given.items():
        monkeypatch.setenv(f"HEADWATER_MODEL__{name.upper()}", value)


def test_a_model_is_named_with_commas_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    modelled(monkeypatch, small="mini, spare", large="maxi", timeout="2.5")
    model = load_settings().model
    assert (model.small, model.large) == (("mini", "spare"), ("maxi",))
    assert model.timeout.total_seconds() == 2.5


def test_a_list_of_models_in_the_file_is_one(tmp_path: Path) -> None:
    text = '[model]\nbase_url = "http://127.0.0.1:8000/v1"\nsmall = ["mini", "spare"]\n'
    (tmp_path / "headwater.toml").write_text(text)
    assert load_settings().model.small == ("mini", "spare")


def test_the_key_of_a_model_server_is_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    modelled(monkeypatch, api_key="sk-do-not-tell")
    settings = load_settings()
    assert settings.model.api_key.get_secret_value() == "sk-do-not-tell"
    assert "sk-do" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    "values",
    [
        {"base_url": "ftp://do-not-tell/v1"},
        {"base_url": "127.0.0.1:8000"},
        {"base_url": "http://me:do-not-tell@127.0.0.1/v1"},
        {"base_url": "http://127.0.0.1/v1?key=do-not-tell"},
        {"small": ""},
        {"small": "mini,,spare"},
        {"api_key": "sk do-not-tell"},
        {"api_key": "sk-do-not-tell\n"},
        {"temperature": "0.9"},
        {"timeout": "0"},
        {"concurrency": "0"},
        {"cassette_mode": "rewind"},
        {"api_keyy": "sk-do-not-tell"},
    ],
)
def test_a_wrong_setting_of_the_model_is_named_and_no_value_shown(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str]
) -> None:
    modelled(monkeypatch, **values)
    with pytest.raises(BadSetting, match="HEADWATER_MODEL") as raised:
        load_settings()
    assert "do-not-tell" not in str(raised.value)


def test_a_model_writes_in_the_language_of_the_slates_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEADWATER_SLATES__LANGUAGE", "de")
    monkeypatch.setenv("HEADWATER_TOLD__STYLE", "warm")
    assert set(refinements_of(load_settings())) >= {"explain", "ra-rec"}
    monkeypatch.setenv("HEADWATER_TOLD__LANGUAGE", "fr")
    with pytest.raises(BadSetting, match="'fr': sentences cannot be checked in it"):
        refinements_of(load_settings())


@pytest.mark.parametrize(("large", "doubt"), [((), 0.0), (("gpt-large",), 0.5)])
def test_nobody_is_asked_again_where_there_is_no_large_model(
    large: tuple[str, ...], doubt: float
) -> None:
    model = {"base_url": "http://127.0.0.1:9/v1", "small": ("gpt-small",), "large": large}
    rerank = refinements_of(load_settings(model=model))["rerank"]
    assert isinstance(rerank, Rerank)
    assert rerank._terms.doubt == doubt


def test_a_scenario_can_have_a_strategy_of_its_own() -> None:
    menu = load_settings(scenarios={"similar": "popular"}).menu()
    similar = SlateRequest(user_id="ann", scenario="similar", about="dune")
    assert menu.config_for(similar).strategy == "popular"
    assert menu.config_for(SlateRequest(user_id="ann")).strategy == "hybrid"
    named = msgspec.structs.replace(similar, strategy="neighbours")
    assert menu.config_for(named).strategy == "neighbours"


@pytest.mark.parametrize(
    ("scenarios", "said"),
    [
        ({"tea": "popular"}, "scenario 'tea' is none of"),
        ({"next": "tea"}, "strategy 'tea' is none of"),
    ],
)
def test_a_scenario_or_strategy_nobody_knows_is_refused(
    scenarios: dict[str, str], said: str
) -> None:
    with pytest.raises(BadSetting, match=said):
        load_settings(scenarios=scenarios).menu()
