"""Keywords find what a plain BM25 over all live items would find, whatever has changed."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates import keywords
from slates.keywords import Keywords, words_of
from tests.support.laws import law

VOCABULARY = ["sea", "war", "love", "desert", "planet", "whale"]
TEXTS = st.lists(st.sampled_from(VOCABULARY), min_size=0, max_size=6).map(" ".join)
IDS = st.sampled_from([f"i{n}" for n in range(12)])
LAW = law(100)


def bm25(texts: dict[str, str], query: str) -> list[float]:
    """By the book: Robertson's, with the idf of Lucene; the slow, obviously right one."""
    words = {item_id: words_of(text) for item_id, text in texts.items()}
    mean = sum(map(len, words.values())) / max(len(words), 1)
    frequency = Counter(word for said in words.values() for word in set(said))
    scores = {}
    for item_id, said in words.items():
        score = 0.0
        for word in words_of(query):
            n, times = frequency[word], said.count(word)
            idf = math.log(1 + (len(words) - n + 0.5) / (n + 0.5))
            if times:
                score += idf * times / (times + 1.5 * (1 - 0.75 + 0.75 * len(said) / mean))
        if score > 0:
            scores[item_id] = score
    return [scores[item_id] for item_id in sorted(scores)]


@LAW
@given(texts=st.dictionaries(IDS, TEXTS), query=TEXTS)
def test_scores_are_those_of_bm25(texts: dict[str, str], query: str) -> None:
    found = sorted(Keywords(texts.items()).search(query, n=99))
    assert [one.score for one in found] == pytest.approx(bm25(texts, query), abs=2e-4)


@LAW
@given(
    changes=st.lists(st.tuples(IDS, st.none() | TEXTS), max_size=40),
    query=st.sampled_from(VOCABULARY),
    tail=st.integers(1, 4),
)
def test_after_any_changes_it_finds_the_live_items_that_have_the_word(
    changes: list[tuple[str, str | None]], query: str, tail: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(keywords, "TAIL", tail)
        index, live = Keywords(), dict[str, str]()
        for item_id, text in changes:
            if text is None:
                index.discard(item_id)
                live.pop(item_id, None)
            else:
                index.put(item_id, text)
                live[item_id] = text
        found = {one.item_id for one in index.search(query, n=99)}
    assert found == {item_id for item_id, text in live.items() if query in text.split()}
    assert len(index) == len(live)


def test_a_new_item_is_found_by_the_next_search() -> None:
    index = Keywords([("dune", "A desert planet.")])
    assert index.search("whale", n=3) == []
    index.put("moby", "A whale.")
    assert [one.item_id for one in index.search("Whale!", n=3)] == ["moby"]


def test_an_item_is_indexed_a_few_times_and_not_once_for_every_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    indexed = 0
    of = keywords._Segment.of

    def counting(words: dict[str, list[str]]) -> object:
        nonlocal indexed
        indexed += len(words)
        return of(words)

    monkeypatch.setattr(keywords, "TAIL", 10)
    monkeypatch.setattr(keywords._Segment, "of", counting)
    index = Keywords()
    for n in range(640):
        index.put(f"i{n}", f"word{n} sea")
    assert indexed <= 640 * (math.log2(640 / 10) + 1)
    assert len(index.search("sea", n=999)) == 640


def test_where_no_spaces_stand_between_words_pairs_of_characters_are_looked_for() -> None:
    index = Keywords([("a", "三体问题"), ("b", "红楼梦")])
    assert [one.item_id for one in index.search("三体", n=3)] == ["a"]


@pytest.mark.parametrize("query", ["", "!?", "unheard"])
def test_a_query_that_no_item_has_finds_nothing(query: str) -> None:
    assert Keywords([("dune", "A desert planet.")]).search(query, n=3) == []


def test_items_without_words_are_found_by_nothing() -> None:
    assert Keywords([("dune", "…"), ("x", "")]).search("dune", n=3) == []


def test_nothing_is_logged_where_an_index_is_made(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        Keywords([("emma", "A comedy.")])
    assert not [record for record in caplog.records if record.name.startswith("bm25s")]
