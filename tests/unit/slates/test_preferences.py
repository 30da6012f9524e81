"""What is said of a user's likes is in their history, is said when it moves, and can be theirs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.preferences import (
    FEWEST,
    IN_PROMPT,
    LEAST_MOVED,
    MOST_MOVED,
    Common,
    Liked,
    common_to,
    is_due,
    liked_by,
    likes_of,
    load_preferences,
    question_for,
    read_preferences,
    tell,
)
from slates.testing import SmallKnowledge
from streams.events import Author
from streams.items import ItemFacts
from streams.profiles import Entry, Likes, Profile
from tests.support.laws import law

LAW = law(50)
PROMPT = load_preferences()


def knowledge() -> SmallKnowledge:
    made = SmallKnowledge()
    books = {
        "leagues": ("Twenty Thousand Leagues", "Jules Verne", ("sea", "novel")),
        "island": ("The Mysterious Island", "Jules Verne", ("sea", "novel")),
        "whale": ("Moby-Dick", "Herman Melville", ("sea", "novel")),
        "emma": ("Emma", "Jane Austen", ("love", "novel")),
    }
    for n, (item_id, (title, author, subjects)) in enumerate(books.items()):
        facts = ItemFacts(title, attributes={"author": author, "subjects": subjects})
        made.announce(item_id, [1.0, float(n)], facts)
    for n in range(20):
        other = ItemFacts(f"Novel {n}", attributes={"author": f"N {n}", "subjects": ("novel",)})
        made.announce(f"other-{n}", [0.0, 1.0 + n], other)
    return made


def profile(*item_ids: str, gain: float = 1.0, likes: Likes | None = None) -> Profile:
    entries = tuple(Entry(float(n), i, "like", gain) for n, i in enumerate(item_ids))
    return Profile(history=entries, counters={"like": len(entries)}, likes=likes)


# When it is time


def test_a_stranger_is_not_written_about() -> None:
    assert not is_due(Profile())
    assert not is_due(Profile(counters={"click": FEWEST - 1, "impression": 90}))


@pytest.mark.parametrize("text", ["Sea stories.", ""])
def test_what_the_user_wrote_or_deleted_is_never_due(text: str) -> None:
    assert not is_due(Profile(counters={"click": 10_000}, likes=Likes(text, "user", 0.0)))


@LAW
@given(basis=st.integers(1, 100_000), by=st.sampled_from(["model", "engine"]))
def test_between_two_writings_the_history_moves_and_not_without_bounds(
    basis: int, by: Author
) -> None:
    likes = Likes("x", by, 0.0, basis)

    def due(moved: int) -> bool:
        return is_due(Profile(counters={"click": basis + moved}, likes=likes))

    assert not due(LEAST_MOVED - 1)
    assert due(MOST_MOVED)


# What it is from


def test_only_what_was_liked_and_is_still_there_is_spoken_of_newest_first() -> None:
    history = profile("leagues", "gone", "whale", "leagues")
    assert [each.item_id for each in liked_by(history, knowledge())] == ["leagues", "whale"]
    assert liked_by(profile("whale", gain=-1.0), knowledge()) == []


def test_a_word_that_everything_has_says_less_than_one_that_few_have() -> None:
    known = knowledge()
    common = common_to(liked_by(profile("leagues", "island", "whale"), known), known)
    assert common == [Common("sea", 3), Common("Jules Verne", 2), Common("novel", 3)]


def test_the_engines_sentence_counts() -> None:
    known = knowledge()
    liked = liked_by(profile("leagues", "island", "whale", "emma"), known)
    assert tell(liked, common_to(liked, known)) == (
        "Mostly sea (3 of 4), Jules Verne (2) and novel (4)."
    )


def test_without_anything_in_common_titles_are_named_and_without_likes_nothing() -> None:
    known = knowledge()
    liked = liked_by(profile("whale", "other-1"), known)[1:]
    assert tell(liked, common_to(liked, known)) == "Lately Moby-Dick."
    assert tell([], []) == ""


# What a model is asked, and what is kept of it


def test_the_question_has_titles_and_words_and_nothing_of_who_the_user_is() -> None:
    known = knowledge()
    liked = liked_by(profile("leagues", "island"), known)
    asked = question_for(liked, common_to(liked, known), PROMPT, most=10_000, count=len)
    text = asked.question.messages[-1].content
    assert '"The Mysterious Island" "Jules Verne, sea, novel"' in text
    assert '"Jules Verne" 2' in text
    assert "like" not in text.casefold().replace("liked:", "")


def test_the_question_has_the_newest_and_not_all() -> None:
    many = [Liked(str(n), ItemFacts(f"Title {n}")) for n in range(40)]
    asked = question_for(many, [], PROMPT, most=10_000, count=len)
    assert asked.left("history") == IN_PROMPT
    assert '"Title 0"' in asked.question.messages[-1].content


@pytest.mark.parametrize(
    "text",
    [
        "Likes the sea, and Jules Verne.",
        "Enjoys sea novels, especially those by Jules Verne and Moby-Dick.",
        "Twenty Thousand Leagues, The Mysterious Island: likes the sea.",
    ],
)
def test_words_from_the_history_are_kept(text: str) -> None:
    liked = liked_by(profile("leagues", "island", "whale"), knowledge())
    assert read_preferences(f"Sure! {json.dumps({'text': text})}", liked) == text


@pytest.mark.parametrize(
    "reply",
    [
        '{"text": "Likes Jane Austen."}',
        '{"text": "Likes the sea and is a lonely man."}',
        '{"text": "Likes 7 novels."}',
        '{"text": "Dislikes love."}',
        '{"text": "Likes no novels."}',
        '{"text": ""}',
        json.dumps({"text": "sea " * 200}),
        "Likes the sea.",
        "",
        "{",
        "\ud800{}",
        "[" * 9000,
    ],
)
def test_anything_else_is_dropped(reply: str) -> None:
    liked = liked_by(profile("leagues", "island", "whale"), knowledge())
    assert read_preferences(reply, liked) == ""


# Whose words they are


def test_the_users_own_words_are_used_only_where_that_is_allowed() -> None:
    own = profile("whale", likes=Likes("I am Ann, 41, call 555-0100.", "user", 0.0))
    assert likes_of(own) == ""
    assert likes_of(own, own_words=True) == "I am Ann, 41, call 555-0100."


@pytest.mark.parametrize("by", ["model", "engine"])
def test_words_of_others_may_be_used(by: Author) -> None:
    assert likes_of(profile(likes=Likes("Likes the sea.", by, 0.0, 3))) == "Likes the sea."
    assert likes_of(Profile()) == ""


def test_the_example_of_the_prompt_would_be_kept() -> None:
    (example,) = PROMPT.examples
    words = [line.split('"')[1::2] for line in example.user.splitlines() if line.count('"') == 4]
    liked = [Liked(title, ItemFacts(title, tags=(about,))) for title, about in words]
    assert read_preferences(example.assistant, liked) == json.loads(example.assistant)["text"]
