"""
API keys: made once, shown once, kept as hashes.

A key is `hw_NAME_SECRET`.  The secret is 32 random bytes, so one round of SHA-256 keeps it: there
is no dictionary to try.  Two keys may have the same rights, so that one can be replaced while the
other works.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import msgspec

from streams.errors import BadSetting

Scope: TypeAlias = Literal["events", "slates", "items", "admin"]
"""Send events; read slates and what explains them; change the catalogue; all of it and more."""
SCOPES: tuple[Scope, ...] = get_args(Scope)
SETTING = "HEADWATER_GATEWAY__KEYS"
_NAME = re.compile(r"[a-z0-9-]{1,40}")
_KEY = re.compile(r"hw_([a-z0-9-]{1,40})_([A-Za-z0-9_-]{43})")
_NOBODY = "0" * 64


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A key as it is kept."""

    name: str
    sha256: str
    """Of the secret, in hexadecimal."""
    scopes: tuple[Scope, ...]
    user: str | None = None
    """The only user it is for; None is all."""
    made_at: float = 0.0
    """Seconds since 1970."""
    expires_at: float | None = None
    """Seconds since 1970; None is never."""


_decoder = msgspec.json.Decoder(tuple[Key, ...])


def read_keys(path: Path) -> tuple[Key, ...]:
    """
    Read the file of keys.

    Raises:
        BadSetting: It cannot be read, or is not what `write_keys` wrote.
    """
    try:
        return _decoder.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as exc:
        raise BadSetting(
            f"{SETTING}: {path}: {exc}; `headwater gateway-keys add` makes it"
        ) from exc


def write_keys(path: Path, keys: Iterable[Key]) -> None:
    """Write the file in one step, for its owner's eyes only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(tuple(keys)), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def make_key(
    name: str,
    scopes: tuple[Scope, ...],
    *,
    user: str | None = None,
    now: float,
    expires_at: float | None = None,
) -> tuple[str, Key]:
    """
    Draw a new key.

    Returns:
        What its holder is given, and what is kept.

    Raises:
        BadSetting: The name cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise BadSetting(f"key {name!r}: expected 1 to 40 of a-z, 0-9 and -")
    secret = secrets.token_urlsafe(32)
    return f"hw_{name}_{secret}", Key(name, _digest(secret), scopes, user, now, expires_at)


def find_key(keys: Mapping[str, Key], given: str, *, now: float) -> Key | None:
    """
    The key that somebody shows; None for a wrong or expired one.

    It takes as long for a name that exists as for one that does not.
    """
    matched = _KEY.fullmatch(given)
    name, secret = matched.groups() if matched else ("", given)
    key = keys.get(name)
    right = hmac.compare_digest(_digest(secret), _NOBODY if key is None else key.sha256)
    if key is None or not right or (key.expires_at is not None and key.expires_at <= now):
        return None
    return key


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
