"""Lists of words in the source, as many to a line as fit."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """
    The words of a text.

    >>> sorted(words("on at of"))
    ['at', 'of', 'on']
    """
    return frozenset(text.split())
