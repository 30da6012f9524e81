"""A wrong setting is named at start, and a secret is never shown."""

from pathlib import Path

import pytest

from agents.settings import load_settings
from streams.errors import BadSetting

SECRET = "do not tell"


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
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting, match=name):
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
