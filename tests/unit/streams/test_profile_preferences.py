"""Of what is written of a user's likes, the user's own words win."""

from streams.events import MAX_ID_CHARS, MAX_PREFERENCE_CHARS, Author, Event, Preferences
from streams.profiles import MAX_SEEN, Likes, Profile, encode_profile, fold
from streams.topics import PROFILES
from tests.support.histories import GAINS, click, fold_all, folded


# What a user likes, in words
def wrote(text: str | None, at: float = 50.0) -> Preferences:
    return Preferences(user_id="ann", at=at, text=text, by="user")


def generated(basis: int, text: str = "Likes sand.", by: Author = "model") -> Preferences:
    return Preferences(user_id="ann", at=60.0, text=text, by=by, basis=basis)


CLICKS: list[Event] = [click(f"item-{n}", float(n)) for n in range(6)]


def likes(*events: Event) -> Likes | None:
    return fold_all([*CLICKS, *events]).likes


def test_what_a_model_wrote_is_kept_with_its_author_and_what_it_knew() -> None:
    assert likes(generated(5)) == Likes("Likes sand.", "model", 60.0, 5)


def test_it_counts_as_nothing_that_the_user_did() -> None:
    profile = fold_all([*CLICKS, generated(5), wrote("No horror.")])
    assert profile.interactions == 6
    assert profile.counters == {"click": 6}


def test_of_what_others_wrote_the_one_that_knew_more_stands() -> None:
    newer, older = generated(6, "Likes sand and spice."), generated(5)
    assert likes(older, newer) == likes(newer, older) == Likes(newer.text or "", "model", 60.0, 6)


def test_a_models_words_take_the_place_of_counts_from_the_same_history_and_not_the_reverse() -> (
    None
):
    counts, words = generated(5, "Mostly sand.", by="engine"), generated(5)
    assert likes(counts, words) == likes(words, counts) == Likes("Likes sand.", "model", 60.0, 5)


def test_the_users_own_words_win_and_stand() -> None:
    own = Likes("No horror.", "user", 50.0)
    assert likes(generated(5), wrote("No horror.")) == own
    assert likes(wrote("No horror."), generated(6)) == own


def test_of_the_users_own_words_the_last_stand_whenever_they_arrive() -> None:
    assert likes(wrote("No horror.", 9.0), wrote("Sea.", 8.0)) == Likes("No horror.", "user", 9.0)


def test_what_the_user_has_deleted_is_not_written_again() -> None:
    assert likes(generated(5), wrote(None), generated(6)) == Likes("", "user", 50.0)


def test_the_user_can_let_others_write_again() -> None:
    assert likes(wrote(None), wrote("", 51.0), generated(6)) == Likes(
        "Likes sand.", "model", 60.0, 6
    )
    assert likes(generated(5), wrote("")) == Likes("Likes sand.", "model", 60.0, 5)


def test_words_that_arrive_after_the_user_was_forgotten_bring_nobody_back() -> None:
    late = generated(5)
    assert fold(Profile(), late, gains=GAINS, partition=0, offset=9) is None
    returned = fold_all([click("dune", 1.0)])
    assert folded(returned, late, offset=1).likes is None


def test_the_longest_words_fit_beside_the_longest_lists() -> None:
    largest = Profile(
        seen=tuple(f"{n:x>{MAX_ID_CHARS}}" for n in range(MAX_SEEN)),
        likes=Likes("鯨" * MAX_PREFERENCE_CHARS, "user", 0.0),
    )
    assert len(encode_profile(largest)) < PROFILES.max_message_bytes
