"""Reasons in English."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from slates.reasons.deeds import Deed, Evidence, deed_of, is_maker
from slates.slate import Kind

SIMILAR_TO = "Similar to {}"
BECAUSE: Mapping[Deed, str] = {
    "liked": "Because you liked {}",
    "bought": "Because you bought {}",
    "opened": "Because you opened {}",
}
"""What stands above a row."""


def _co_visit(evidence: Evidence) -> str:
    """
    Say how many went on.

    >>> _co_visit({"titles": ["Dune"], "people": 31})
    '31 people came to this after “Dune”'
    """
    people, title = evidence["people"], _quoted(evidence["titles"])
    if "of" not in evidence:
        return f"{people} people came to this after {title}"
    return f"{people} of the {evidence['of']} people who came to {title} went on to this"


def _attributes(evidence: Evidence) -> str:
    """
    Say what is shared.

    >>> verne = {"words": ["Verne"], "titles": ["X"], "attribute": "author", "actions": ["like"]}
    >>> _attributes(verne), _attributes({**verne, "actions": ["click"]})
    ('More by “Verne”, whom you liked in “X”', 'More by “Verne”, as in “X”, which you opened')
    >>> _attributes({**verne, "attribute": "subjects", "words": ["sea", "war"]})
    'More of the subjects “sea” and “war”, as in “X”, which you liked'
    """
    words, titles = _quoted(evidence["words"]), _quoted(evidence["titles"])
    by_maker = is_maker(evidence["attribute"])
    if by_maker and deed_of(evidence) == "liked":
        return f"More by {words}, whom you liked in {titles}"
    what = "by" if by_maker else f"of the {evidence['attribute']}"
    return f"More {what} {words}, as in {titles}{_which(evidence)}"


def _similar(evidence: Evidence) -> str:
    """
    Say what it is like.

    >>> _similar({"titles": ["Dune"], "actions": ["rating"], "phrase": "desert planet"})
    'Similar to “Dune”, which you liked: both say “desert planet”'
    >>> _similar({"titles": ["Dune"], "actions": [""]})
    'Similar to “Dune”'
    """
    text = f"Similar to {_quoted(evidence['titles'])}{_which(evidence)}"
    return f"{text}: both say “{evidence['phrase']}”" if "phrase" in evidence else text


def _trending(evidence: Evidence) -> str:
    """
    Say how many came lately.

    >>> _trending({"people": 9, "days": 7, "lately": 8, "lately_days": 2})
    '9 people came to it in the last 7 days, 8 of them in the last 2: it is rising'
    """
    text = f"{evidence['people']} people came to it in the last {evidence['days']} days"
    if "lately" not in evidence:
        return text
    return (
        f"{text}, {evidence['lately']} of them in the last {evidence['lately_days']}: it is rising"
    )


def _popular(evidence: Evidence) -> str:
    return f"{evidence['people']} people have come to it so far"


def _new(evidence: Evidence) -> str:
    return f"New: published {_ago(evidence['days'])}"


def _explore(evidence: Evidence) -> str:
    return "Few people know it yet" if "fewer_than" in evidence else "Nobody has come to it yet"


def _repeat(evidence: Evidence) -> str:
    """
    Say how often.

    >>> _repeat({"interval_days": 14, "last_days": 13})
    'You come back to it about every 14 days, last 13 days ago'
    >>> _repeat({"interval_days": 1, "last_days": 0})
    'You come back to it about every day, last less than a day ago'
    """
    days = evidence["interval_days"]
    every = "day" if days == 1 else f"{days} days"
    return f"You come back to it about every {every}, last {_ago(evidence['last_days'])}"


def _which(evidence: Evidence) -> str:
    did = deed_of(evidence)
    return f", which you {did}" if did else ""


def _quoted(names: Sequence[str]) -> str:
    """
    Names in a row.

    >>> _quoted(["sea"]), _quoted(["sea", "war", "love"])
    ('“sea”', '“sea”, “war” and “love”')
    """
    quoted = [f"“{name}”" for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def _ago(days: int) -> str:
    """
    A number of whole days.

    >>> _ago(0), _ago(1), _ago(2)
    ('less than a day ago', 'a day ago', '2 days ago')
    """
    return "less than a day ago" if days == 0 else "a day ago" if days == 1 else f"{days} days ago"


WORDING: Mapping[Kind, Callable[[Evidence], str]] = {
    "co-visit": _co_visit,
    "attributes": _attributes,
    "similar": _similar,
    "trending": _trending,
    "popular": _popular,
    "new": _new,
    "explore": _explore,
    "repeat": _repeat,
}
"""A `rule` gets its words with the rules."""
