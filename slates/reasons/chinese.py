"""Reasons in Chinese, in simplified characters, to one reader, politely."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from slates.reasons.deeds import Deed, Evidence, deed_of, is_maker
from slates.slate import Kind

SIMILAR_TO = "与 {} 相似"
BECAUSE: Mapping[Deed, str] = {
    "liked": "因为您喜欢 {}",
    "bought": "因为您买过 {}",
    "opened": "因为您看过 {}",
}
"""What stands above a row."""

_YOURS: Mapping[Deed | None, str] = {
    "liked": "您喜欢的",
    "bought": "您买过的",
    "opened": "您看过的",
    None: "",
}


def _co_visit(evidence: Evidence) -> str:
    """
    Say how many went on.

    >>> _co_visit({"titles": ["Dune"], "people": 31})
    '有 31 人在“Dune”之后来到这里'
    """
    people, title = evidence["people"], _quoted(evidence["titles"])
    if "of" not in evidence:
        return f"有 {people} 人在{title}之后来到这里"
    return f"来过{title}的 {evidence['of']} 人中，有 {people} 人接着来到这里"


def _attributes(evidence: Evidence) -> str:
    """
    Say what is shared.

    >>> verne = {"words": ["Verne"], "titles": ["X"], "attribute": "author", "actions": ["like"]}
    >>> _attributes(verne)
    '同样出自“Verne”，与您喜欢的“X”一样'
    >>> _attributes({**verne, "attribute": "subjects", "words": ["sea", "war"]})
    '同样有“sea”和“war”（subjects），与您喜欢的“X”一样'
    """
    words = _quoted(evidence["words"])
    like = f"与{_YOURS[deed_of(evidence)]}{_quoted(evidence['titles'])}一样"
    if is_maker(evidence["attribute"]):
        return f"同样出自{words}，{like}"
    return f"同样有{words}（{evidence['attribute']}），{like}"


def _similar(evidence: Evidence) -> str:
    """
    Say what it is like.

    >>> _similar({"titles": ["Dune"], "actions": ["rating"], "phrase": "desert planet"})
    '与您喜欢的“Dune”相似：两者都提到“desert planet”'
    """
    text = f"与{_YOURS[deed_of(evidence)]}{_quoted(evidence['titles'])}相似"
    return f"{text}：两者都提到“{evidence['phrase']}”" if "phrase" in evidence else text


def _trending(evidence: Evidence) -> str:
    """
    Say how many came lately.

    >>> _trending({"people": 9, "days": 7, "lately": 8, "lately_days": 2})
    '最近 7 天有 9 人来过，其中 8 人是最近 2 天来的：热度正在上升'
    """
    text = f"最近 {evidence['days']} 天有 {evidence['people']} 人来过"
    if "lately" not in evidence:
        return text
    lately, days = evidence["lately"], evidence["lately_days"]
    return f"{text}，其中 {lately} 人是最近 {days} 天来的：热度正在上升"


def _popular(evidence: Evidence) -> str:
    return f"至今有 {evidence['people']} 人来过"


def _new(evidence: Evidence) -> str:
    return f"新品：{_ago(evidence['days']).lstrip()}发布"


def _explore(evidence: Evidence) -> str:
    return "知道它的人还很少" if "fewer_than" in evidence else "还没有人来过"


def _repeat(evidence: Evidence) -> str:
    """
    Say how often.

    >>> _repeat({"interval_days": 1, "last_days": 13})
    '您大约每天回来一次，上次是 13 天前'
    """
    days = evidence["interval_days"]
    every = "每天" if days == 1 else f"每 {days} 天"
    return f"您大约{every}回来一次，上次是{_ago(evidence['last_days'])}"


def _quoted(names: Sequence[str]) -> str:
    """
    Names in a row.

    >>> _quoted(["sea", "war", "love"])
    '“sea”、“war”和“love”'
    """
    quoted = [f"“{name}”" for name in names]
    return "和".join(filter(None, ["、".join(quoted[:-1]), quoted[-1]]))


def _ago(days: int) -> str:
    """
    A number of whole days.

    >>> _ago(0), _ago(1), _ago(2)
    ('不到一天前', '一天前', ' 2 天前')
    """
    if days < 2:
        return "一天前" if days else "不到一天前"
    return f" {days} 天前"


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
