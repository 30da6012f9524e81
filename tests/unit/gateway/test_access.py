"""Who may do what."""

from __future__ import annotations

import hmac
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from agents.settings import load_settings
from gateway import access as access_module
from gateway.access import Caller
from gateway.commands import refuse_open_doors
from gateway.keys import SCOPES, Key, find_key, make_key, read_keys, write_keys
from gateway.tokens import LONGEST, SKEW, read_token, sign_token
from streams.errors import BadSetting
from tests.unit.gateway.conftest import NOW, SECRET, World, slate_of

# -- keys


def test_a_key_opens_and_its_file_does_not_hold_it(tmp_path: Path) -> None:
    shown, kept = make_key("shop", ("events",), now=NOW)
    write_keys(tmp_path / "keys.json", [kept])
    text = (tmp_path / "keys.json").read_text()
    assert shown.rpartition("_")[2] not in text
    found = {key.name: key for key in read_keys(tmp_path / "keys.json")}
    assert find_key(found, shown, now=NOW) == kept


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys.json", [])
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("change", ["", "x", "hw_shop_", "hw_other_" + "A" * 43, "\ud800"])
def test_anything_else_does_not_open(change: str) -> None:
    _, kept = make_key("shop", ("events",), now=NOW)
    assert find_key({"shop": kept}, change, now=NOW) is None


def test_another_secret_under_the_right_name_does_not_open() -> None:
    _, kept = make_key("shop", ("events",), now=NOW)
    other, _ = make_key("shop", ("events",), now=NOW)
    assert find_key({"shop": kept}, other, now=NOW) is None


def test_a_key_ends_when_it_says() -> None:
    shown, kept = make_key("shop", ("events",), now=NOW, expires_at=NOW + 10)
    assert find_key({"shop": kept}, shown, now=NOW + 9.9) == kept
    assert find_key({"shop": kept}, shown, now=NOW + 10) is None


def test_a_name_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(BadSetting, match="'Shop Front'"):
        make_key("Shop Front", (), now=NOW)


@pytest.mark.parametrize(
    "text", ["", "{}", '[{"name": "a"}]', '[{"name":"a","sha256":"","scopes":["all"]}]']
)
def test_a_file_that_is_none_of_ours_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(BadSetting, match=r"HEADWATER_GATEWAY__KEYS: .*keys\.json"):
        read_keys(tmp_path / "keys.json")


# -- tokens


def test_a_token_names_its_user() -> None:
    token = sign_token("ann", secret=SECRET, now=NOW, seconds=60)
    assert read_token(token, secret=SECRET, now=NOW + 60) == "ann"


@pytest.mark.parametrize("later", [60 + SKEW + 1, -SKEW - 1], ids=["over", "from the future"])
def test_a_token_is_good_for_its_time_and_a_little_skew(later: float) -> None:
    token = sign_token("ann", secret=SECRET, now=NOW, seconds=60)
    assert read_token(token, secret=SECRET, now=NOW + later) is None
    assert read_token(token, secret=SECRET, now=NOW - SKEW + 1) == "ann"


def test_nobody_gets_a_token_for_a_day() -> None:
    token = sign_token("ann", secret=SECRET, now=NOW, seconds=86_400)
    assert read_token(token, secret=SECRET, now=NOW + LONGEST) == "ann"
    assert read_token(token, secret=SECRET, now=NOW + LONGEST + SKEW + 1) is None


def test_a_token_that_others_signed_is_none() -> None:
    token = sign_token("ann", secret="t" * 40, now=NOW, seconds=60)
    assert read_token(token, secret=SECRET, now=NOW) is None


def test_an_unsigned_token_is_none() -> None:
    claims = {"sub": "ann", "aud": "headwater-page", "iat": NOW, "exp": NOW + 60}
    token = jwt.encode(claims, None, algorithm="none")
    assert read_token(token, secret=SECRET, now=NOW) is None


@pytest.mark.parametrize(
    "change",
    [{"aud": "another"}, {"aud": None}, {"sub": None}, {"exp": None}, {"iat": None}],
    ids=lambda change: f"{next(iter(change))} {next(iter(change.values()))}",
)
def test_a_token_that_lacks_something_is_none(change: dict[str, str | None]) -> None:
    claims = {"sub": "ann", "aud": "headwater-page", "iat": NOW, "exp": NOW + 60, **change}
    whole = {name: value for name, value in claims.items() if value is not None}
    assert read_token(jwt.encode(whole, SECRET), secret=SECRET, now=NOW) is None


def test_a_token_for_longer_than_we_give_is_none_although_we_signed_it() -> None:
    claims = {"sub": "ann", "aud": "headwater-page", "iat": NOW, "exp": NOW + LONGEST + 1}
    assert read_token(jwt.encode(claims, SECRET), secret=SECRET, now=NOW) is None


@pytest.mark.parametrize("ahead", [-SKEW + 1, SKEW - 1], ids=["behind", "ahead"])
def test_a_gateway_takes_a_token_of_another_whose_clock_is_off_a_little(ahead: float) -> None:
    token = sign_token("ann", secret=SECRET, now=NOW + ahead, seconds=60)
    assert read_token(token, secret=SECRET, now=NOW) == "ann"


# -- at the door


class Keys:
    """A file of keys, and what their holders were given."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "keys.json"
        self.kept: list[Key] = []
        self.shown: dict[str, str] = {}
        write_keys(self.path, [])

    def add(self, name: str, *scopes: str, user: str | None = None) -> str:
        shown, kept = make_key(name, scopes, user=user, now=NOW)  # type: ignore[arg-type]
        self.kept.append(kept)
        write_keys(self.path, self.kept)
        return shown


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    monkeypatch.setattr(access_module, "KEYS_POLL", 0.0)
    return Keys(tmp_path)


@pytest.fixture
def closed(keys: Keys) -> Iterator[tuple[World, TestClient]]:
    world = World(keys=keys.path)
    world.post(slate_of("ann"))
    with TestClient(world.app) as client:
        yield world, client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


CLICK = {"kind": "interaction", "user_id": "ann", "item_id": "moby-dick", "action": "click"}


@pytest.mark.parametrize(
    "header", [{}, bearer("hw_a_b"), {"Authorization": "Basic YTpi"}, bearer("")]
)
def test_without_a_good_key_nothing_is_told(
    closed: tuple[World, TestClient], header: dict[str, str]
) -> None:
    answer = closed[1].get("/slates/ann", headers=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


ROUTES = [
    ("GET", "/slates/ann", None, "slates"),
    ("GET", "/users/ann/profile", None, "slates"),
    ("GET", "/users/ann/why", None, "slates"),
    ("GET", "/users/ann/why-not/moby-dick", None, "slates"),
    ("GET", "/items/moby-dick/similar", None, "slates"),
    ("GET", "/search?q=sea", None, "slates"),
    ("POST", "/slates", {"user_id": "ann"}, "slates"),
    ("POST", "/events", CLICK, "events"),
    ("POST", "/items", {"item_id": "a", "title": "A"}, "items"),
    ("DELETE", "/items/a", None, "items"),
    ("DELETE", "/users/ann", None, "admin"),
    ("POST", "/tokens", {"user_id": "ann"}, "admin"),
]


@pytest.mark.parametrize(("method", "path", "body", "scope"), ROUTES, ids=lambda x: str(x)[:40])
def test_each_route_needs_its_scope(
    closed: tuple[World, TestClient],
    keys: Keys,
    method: str,
    path: str,
    body: object,
    scope: str,
) -> None:
    world, client = closed
    for name in SCOPES:
        answer = client.request(
            method, path, json=body, headers=bearer(keys.add(f"k-{name}", name))
        )
        allowed = name in (scope, "admin")
        assert (answer.status_code != 403) == allowed, (name, answer.text)
    assert len(world.sender.sent) <= 4


@pytest.mark.parametrize(("method", "path", "body", "scope"), ROUTES, ids=lambda x: str(x)[:40])
def test_nothing_but_the_page_and_health_is_open(
    closed: tuple[World, TestClient], method: str, path: str, body: object, scope: str
) -> None:
    assert closed[1].request(method, path, json=body).status_code == 401


def test_a_key_for_one_user_is_for_one_user(closed: tuple[World, TestClient], keys: Keys) -> None:
    _, client = closed
    key = bearer(keys.add("eve", "slates", "events", user="eve"))
    assert client.get("/slates/ann", headers=key).status_code == 403
    assert client.post("/slates", json={"user_id": "ann"}, headers=key).status_code == 403
    assert client.post("/events", json=CLICK, headers=key).status_code == 403
    assert client.get("/slates/nobody", headers=key).status_code == 403


def test_a_key_for_one_user_does_nothing_that_concerns_all(
    closed: tuple[World, TestClient], keys: Keys
) -> None:
    """Whatever its scopes are: the catalogue is everybody's."""
    world, client = closed
    key = bearer(keys.add("eve", *SCOPES, user="eve"))
    items = {"item_id": "a", "title": "A"}
    assert client.post("/items", json=items, headers=key).status_code == 403
    assert client.delete("/items/a", headers=key).status_code == 403
    assert world.sender.sent == []


def test_a_token_has_two_scopes_and_one_user(closed: tuple[World, TestClient]) -> None:
    access = closed[0].parts.access
    shown = bearer(access.token("ann", seconds=60))["Authorization"].encode()
    request = Request({"type": "http", "headers": [(b"authorization", shown)]})
    assert access.caller(request) == Caller("token:ann", frozenset(("events", "slates")), "ann")


def test_the_stream_of_another_user_is_not_opened(
    closed: tuple[World, TestClient], keys: Keys
) -> None:
    key = bearer(keys.add("eve", "slates", user="eve"))
    assert closed[1].get("/slates/ann/stream", headers=key).status_code == 403


def test_an_idempotency_key_is_its_own_for_each_caller(
    closed: tuple[World, TestClient], keys: Keys
) -> None:
    world, client = closed
    for name in ("one", "two"):
        header = {**bearer(keys.add(name, "events")), "Idempotency-Key": "k1"}
        assert client.post("/events", json=CLICK, headers=header).status_code == 202
    assert len(world.sender.sent) == 2


def test_one_event_of_another_user_among_mine_sends_none(
    closed: tuple[World, TestClient], keys: Keys
) -> None:
    world, client = closed
    key = bearer(keys.add("ann", "events", user="ann"))
    both = [CLICK, {**CLICK, "user_id": "eve"}]
    assert client.post("/events", json=both, headers=key).status_code == 403
    assert world.sender.sent == []


def test_a_token_reads_its_users_slates_and_sends_their_events_and_nothing_else(
    closed: tuple[World, TestClient], keys: Keys
) -> None:
    _, client = closed
    admin = bearer(keys.add("admin", "admin"))
    token = client.post("/tokens", json={"user_id": "ann"}, headers=admin).json()["token"]
    assert client.get("/slates/ann", headers=bearer(token)).status_code == 200
    assert client.post("/events", json=CLICK, headers=bearer(token)).status_code == 202
    others = [
        ("GET", "/slates/eve", None),
        ("POST", "/items", {"item_id": "a", "title": "A"}),
        ("DELETE", "/users/ann", None),
        ("POST", "/tokens", {"user_id": "ann"}),
        ("POST", "/events", {**CLICK, "user_id": "eve"}),
    ]
    for method, path, body in others:
        assert client.request(method, path, json=body, headers=bearer(token)).status_code == 403


def test_keys_come_and_go_without_a_restart(closed: tuple[World, TestClient], keys: Keys) -> None:
    _, client = closed
    old, new = keys.add("old", "slates"), keys.add("new", "slates")
    assert client.get("/slates/ann", headers=bearer(old)).status_code == 200
    write_keys(keys.path, keys.kept[1:])
    assert client.get("/slates/ann", headers=bearer(old)).status_code == 401
    assert client.get("/slates/ann", headers=bearer(new)).status_code == 200


def test_a_damaged_file_takes_no_key_away(closed: tuple[World, TestClient], keys: Keys) -> None:
    _, client = closed
    key = bearer(keys.add("shop", "slates"))
    assert client.get("/slates/ann", headers=key).status_code == 200
    keys.path.write_text("[")
    os.utime(keys.path, (1, 1))
    assert client.get("/slates/ann", headers=key).status_code == 200


def test_a_missing_file_stops_the_gateway_at_start(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="HEADWATER_GATEWAY__KEYS"):
        World(keys=tmp_path / "none.json")


@pytest.mark.parametrize("began", [-120.0, 120.0], ids=["over", "of a clock far ahead"])
def test_a_token_out_of_its_time_opens_nothing(
    closed: tuple[World, TestClient], began: float
) -> None:
    token = sign_token("ann", secret=SECRET, now=time.time() + began, seconds=60)
    assert closed[1].get("/slates/ann", headers=bearer(token)).status_code == 401


def test_a_token_whose_user_was_changed_opens_nothing(closed: tuple[World, TestClient]) -> None:
    head, body, sign = (
        sign_token(u, secret=SECRET, now=time.time(), seconds=60).split(".")
        for u in ("ann", "eve", "ann")
    )
    forged = ".".join((head[0], body[1], sign[2]))
    assert closed[1].get("/slates/eve", headers=bearer(forged)).status_code == 401


def test_a_key_that_is_over_opens_nothing(closed: tuple[World, TestClient], keys: Keys) -> None:
    shown, kept = make_key("old", ("slates",), now=NOW, expires_at=NOW + 1)
    write_keys(keys.path, [kept])
    assert closed[1].get("/slates/ann", headers=bearer(shown)).status_code == 401


@pytest.mark.parametrize(
    "wish",
    [{"user_id": "ann", "colour": 1}, {"user_id": "ann", "seconds": LONGEST + 1}, {"user_id": ""}],
    ids=str,
)
def test_a_wish_for_a_token_that_is_wrong_is_refused(
    closed: tuple[World, TestClient], keys: Keys, wish: object
) -> None:
    admin = bearer(keys.add("admin", "admin"))
    assert closed[1].post("/tokens", json=wish, headers=admin).status_code == 422


@pytest.mark.parametrize("path", ["/events", "/items", "/slates", "/tokens"])
def test_what_is_no_json_is_refused_everywhere(
    closed: tuple[World, TestClient], keys: Keys, path: str
) -> None:
    world, client = closed
    answer = client.post(path, content=b'{"user_id": ', headers=bearer(keys.add("a", "admin")))
    assert answer.status_code in (400, 422)
    assert world.sender.sent == []


def test_a_secret_too_short_for_tokens_stops_the_gateway_at_start() -> None:
    with pytest.raises(BadSetting, match="32 bytes"):
        refuse_open_doors(load_settings(gateway={"token_secret": "s" * 31}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gateway.example"])
def test_without_keys_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(BadSetting, match="not loopback"):
        refuse_open_doors(load_settings(gateway={"host": host}))
    refuse_open_doors(load_settings(gateway={"host": "127.0.0.1"}))


def test_names_that_exist_and_others_are_compared_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """By `hmac.compare_digest`, a stranger too; `==` would tell how much fits."""
    compared: list[int] = []
    right = hmac.compare_digest

    def counted(a: str, b: str) -> bool:
        compared.append(len(b))
        return right(a, b)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    _, kept = make_key("shop", ("events",), now=NOW)
    for name in ("shop", "nobody"):
        find_key({"shop": kept}, f"hw_{name}_{'A' * 43}", now=NOW)
    assert compared == [64, 64]
