"""
Tokens for a browser: one user, a few minutes, that user's slates and events and nothing else.

The only module that imports PyJWT.
"""

from __future__ import annotations

from typing import Final

import jwt

AUDIENCE: Final = "headwater-page"
SKEW: Final = 30.0
"""Seconds by which the clocks of two gateways may differ."""
LONGEST: Final = 3600.0
"""Seconds a token may be good for; a page asks for a new one in time."""
SHORTEST_SECRET: Final = 32
"""Bytes; a shorter one can be guessed (RFC 7518, 3.2)."""


def sign_token(user_id: str, *, secret: str, now: float, seconds: float) -> str:
    """A token for one user, good for so many seconds, `LONGEST` at most."""
    claims = {"sub": user_id, "aud": AUDIENCE, "iat": now, "exp": now + min(seconds, LONGEST)}
    return jwt.encode(claims, secret, algorithm="HS256")


def read_token(token: str, *, secret: str, now: float) -> str | None:
    """The user of a token that we signed and that is still good; None for any other."""
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            audience=AUDIENCE,
            options={
                "require": ["sub", "aud", "iat", "exp"],
                "verify_exp": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidTokenError:
        return None
    began, ends = claims["iat"], claims["exp"]
    good = began - SKEW <= now <= ends + SKEW and ends - began <= LONGEST
    return str(claims["sub"]) if good else None
