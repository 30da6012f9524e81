"""
Who may do what.

Without a file of keys everything is open, and then the gateway listens on loopback only: whoever
reaches it has the machine already.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from gateway.keys import SCOPES, SETTING, Key, Scope, find_key, read_keys
from gateway.problems import Problem
from gateway.tokens import read_token, sign_token
from streams.errors import BadSetting

log = logging.getLogger("headwater")

KEYS_POLL = 1.0
"""Seconds between looks whether the file of keys has changed: so soon a revoked key is useless."""
CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    name: str
    """Of the key; `token:USER` or `loopback`.  Limits count by it."""
    scopes: frozenset[Scope]
    user: str | None = None
    """The only user they may ask about; None is all."""

    def require(self, scope: Scope, *, user_id: str | None = None) -> None:
        """
        Refuse what is not theirs.

        Args:
            scope: What is asked for.
            user_id: About whom; None is about nobody or everybody.

        Raises:
            Problem: 403, the same for users that exist and others.
        """
        if scope not in self.scopes and "admin" not in self.scopes:
            raise Problem(403, "Not allowed", f"this needs the scope {scope!r}")
        if self.user is not None and user_id != self.user:
            raise Problem(403, "Not allowed", "this key or token is for another user")


LOOPBACK = Caller("loopback", frozenset(SCOPES))


class Access:
    """The keys, and who shows one."""

    def __init__(
        self, keys: Path | None, *, secret: str, clock: Callable[[], float] = time.time
    ) -> None:
        """
        Begin.

        Args:
            keys: Their file; None leaves everything open.
            secret: Signs tokens; the same for all gateways.
            clock: Seconds since 1970.

        Raises:
            BadSetting: The file is not what it should be.
        """
        self._path = keys
        self._secret = secret
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._stamp: tuple[int, int] | None = None
        self._looked = float("-inf")
        self._reload()

    @property
    def open(self) -> bool:
        """May everybody do everything?"""
        return self._path is None

    def caller(self, request: Request) -> Caller:
        """
        Who asks.

        Raises:
            Problem: 401: no key, or none that is good.
        """
        shown = request.headers.get("authorization", "")
        scheme, _, given = shown.partition(" ")
        if not shown and self.open:
            return LOOPBACK
        if scheme.lower() != "bearer" or not given:
            raise Problem(401, "Who are you?", "send Authorization: Bearer KEY", headers=CHALLENGE)
        self._reload()
        now = self._clock()
        if key := find_key(self._keys, given, now=now):
            return Caller(key.name, frozenset(key.scopes), key.user)
        if (user_id := read_token(given, secret=self._secret, now=now)) is not None:
            return Caller(f"token:{user_id}", frozenset(("events", "slates")), user_id)
        raise Problem(
            401,
            "Who are you?",
            "this key or token is wrong, or its time is over",
            headers=CHALLENGE,
        )

    def token(self, user_id: str, *, seconds: float) -> str:
        """A token for a user's browser."""
        return sign_token(user_id, secret=self._secret, now=self._clock(), seconds=seconds)

    def _reload(self) -> None:
        """Keys come and go while we run; a file that cannot be read leaves those that were."""
        if self._path is None or (now := time.monotonic()) - self._looked < KEYS_POLL:
            return
        self._looked = now
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self._stamp:
                self._keys = {key.name: key for key in read_keys(self._path)}
                self._stamp = stamp
        except (OSError, BadSetting) as exc:
            if self._stamp is None:
                raise BadSetting(f"{SETTING}: {exc}") from exc
            log.error("keys: %s; those read before stay good", exc)
