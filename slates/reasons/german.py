"""Reasons in German, to one reader, as friends speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from slates.reasons.deeds import Deed, Evidence, deed_of, is_maker
from slates.slate import Kind

SIMILAR_TO = "Ähnlich wie {}"
BECAUSE: Mapping[Deed, str] = {
    "liked": "Weil dir {} gefallen hat",
    "bought": "Weil du {} gekauft hast",
    "opened": "Weil du {} geöffnet hast",
}
"""What stands above a row."""

_WHICH: Mapping[Deed | None, str] = {
    "liked": ", das dir gefallen hat",
    "bought": ", das du gekauft hast",
    "opened": ", das du geöffnet hast",
    None: "",
}


def _co_visit(evidence: Evidence) -> str:
    """
    Say how many went on.

    >>> _co_visit({"titles": ["Dune"], "people": 31})
    '31 Leute kamen nach „Dune“ hierher'
    """
    people, title = evidence["people"], _quoted(evidence["titles"])
    if "of" not in evidence:
        return f"{people} Leute kamen nach {title} hierher"
    return f"{people} der {evidence['of']} Leute, die zu {title} kamen, kamen danach hierher"


def _attributes(evidence: Evidence) -> str:
    """
    Say what is shared.

    >>> verne = {"words": ["Verne"], "titles": ["X"], "attribute": "author", "actions": ["like"]}
    >>> _attributes(verne)
    'Mehr von „Verne“, wie „X“, das dir gefallen hat'
    >>> _attributes({**verne, "attribute": "subjects", "words": ["sea", "war"]})
    'Mehr mit „sea“ und „war“ (subjects), wie „X“, das dir gefallen hat'
    """
    words, titles = _quoted(evidence["words"]), _quoted(evidence["titles"])
    like = f"wie {titles}{_WHICH[deed_of(evidence)]}"
    if is_maker(evidence["attribute"]):
        return f"Mehr von {words}, {like}"
    return f"Mehr mit {words} ({evidence['attribute']}), {like}"


def _similar(evidence: Evidence) -> str:
    """
    Say what it is like.

    >>> _similar({"titles": ["Dune"], "actions": ["rating"], "phrase": "desert planet"})
    'Ähnlich wie „Dune“, das dir gefallen hat: beide sagen „desert planet“'
    """
    text = f"Ähnlich wie {_quoted(evidence['titles'])}{_WHICH[deed_of(evidence)]}"
    return f"{text}: beide sagen „{evidence['phrase']}“" if "phrase" in evidence else text


def _trending(evidence: Evidence) -> str:
    """
    Say how many came lately.

    >>> _trending({"people": 9, "days": 7, "lately": 8, "lately_days": 2})
    '9 Leute kamen in den letzten 7 Tagen, 8 davon in den letzten 2: Tendenz steigend'
    """
    text = f"{evidence['people']} Leute kamen in den letzten {evidence['days']} Tagen"
    if "lately" not in evidence:
        return text
    lately, days = evidence["lately"], evidence["lately_days"]
    return f"{text}, {lately} davon in den letzten {days}: Tendenz steigend"


def _popular(evidence: Evidence) -> str:
    return f"Bisher kamen {evidence['people']} Leute hierher"


def _new(evidence: Evidence) -> str:
    return f"Neu: {_ago(evidence['days'])} erschienen"


def _explore(evidence: Evidence) -> str:
    return "Das kennen erst wenige" if "fewer_than" in evidence else "Hier war noch niemand"


def _repeat(evidence: Evidence) -> str:
    """
    Say how often.

    >>> _repeat({"interval_days": 1, "last_days": 13})
    'Du kommst etwa jeden Tag wieder, zuletzt vor 13 Tagen'
    """
    days = evidence["interval_days"]
    every = "jeden Tag" if days == 1 else f"alle {days} Tage"
    return f"Du kommst etwa {every} wieder, zuletzt {_ago(evidence['last_days'])}"


def _quoted(names: Sequence[str]) -> str:
    quoted = [f"„{name}“" for name in names]
    return " und ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def _ago(days: int) -> str:
    """
    A number of whole days.

    >>> _ago(0), _ago(1), _ago(2)
    ('vor weniger als einem Tag', 'vor einem Tag', 'vor 2 Tagen')
    """
    if days < 2:
        return "vor einem Tag" if days else "vor weniger als einem Tag"
    return f"vor {days} Tagen"


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
