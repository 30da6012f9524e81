"""
The sentences of a long text that say most of it: extracted, never rewritten.

A sentence counts for how near it is to the whole as a vector, and a little for standing early; one
that repeats what was chosen before counts for less.  Without vectors the first sentences stand for
the text, which is what they are mostly written for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from slates.tokens import estimate

Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.floating]]
"""Texts to unit rows."""

LONGEST = 40
"""Sentences of a text that are looked at: a page; what comes later is detail."""
EARLY = 0.1
"""Cosine that the first sentence is ahead of the last one: descriptions begin with what it is."""
AT_ONCE = 8
"""Sentences that are encoded at a time: whoever else needs the encoder waits for no more."""
REPEATED = 0.3
"""Share of its likeness to what was chosen that a sentence loses (maximal marginal relevance,
Carbonell and Goldstein, SIGIR 1998, with lambda .7)."""
_ABBREVIATION = r"(?<!\bMr)(?<!\bMrs)(?<!\bDr)(?<!\bSt)(?<!\bvs)(?<!\b[A-Z])"
_END = re.compile(
    rf"{_ABBREVIATION}[.!?…]{{1,9}}[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[^\Wa-z_])|(?<=[。！？])|\n{{2,}}"
)


def sentences(text: str) -> list[str]:
    """
    A text in its sentences.

    >>> sentences("Dr. No is a film. It has J. Bond! 他来了。他走了。")
    ['Dr. No is a film.', 'It has J. Bond!', '他来了。', '他走了。']
    """
    ends = [match.end() for match in _END.finditer(text)]
    pieces = (text[a:b].strip() for a, b in zip([0, *ends], [*ends, len(text)], strict=True))
    return [" ".join(piece.split()) for piece in pieces if piece]


def summarise(text: str, *, most: int, encode: Encode | None = None) -> str:
    """
    The sentences that say most, in their order.

    Args:
        text: Any.
        most: Tokens; the text itself is returned where it has no more.
        encode: Texts to unit rows; None takes the first sentences.
    """
    plain = " ".join(text.split())
    if estimate(plain) <= most:
        return plain
    parts = sentences(text)[:LONGEST]
    order = range(len(parts)) if encode is None else _by_weight(parts, encode)
    chosen: list[int] = []
    left = most
    for at in order:
        cost = estimate(parts[at]) + 1
        if cost <= left:
            chosen.append(at)
            left -= cost
        elif encode is None:
            break
    return " ".join(parts[at] for at in sorted(chosen)) or cut(plain, most=most)


def cut(text: str, *, most: int) -> str:
    """
    The beginning of a text, whole words, with a sign that it goes on.

    >>> cut("one two three four five", most=5)
    'one two…'
    """
    words = text.split()
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        if estimate(" ".join(words[:middle]) + "…") <= most:
            low = middle
        else:
            high = middle - 1
    return " ".join(words[:low]) + "…" if low else ""


def _by_weight(parts: Sequence[str], encode: Encode) -> list[int]:
    some = (parts[k : k + AT_ONCE] for k in range(0, len(parts), AT_ONCE))
    rows = np.concatenate([encode(each) for each in some]).astype(np.float32)
    whole = rows.mean(axis=0)
    whole /= np.linalg.norm(whole) or 1.0
    weights = rows @ whole - EARLY * np.linspace(0.0, 1.0, len(parts))
    chosen: list[int] = []
    left = list(range(len(parts)))
    while left:
        seen = rows[chosen]
        gains = [
            weights[i] - REPEATED * (float((seen @ rows[i]).max()) if chosen else 0.0) for i in left
        ]
        chosen.append(left.pop(int(np.argmax(gains))))
    return chosen
