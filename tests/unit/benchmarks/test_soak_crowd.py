"""The users of the soak."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from benchmarks.soak.crowd import HEAD, NEWS, Crowd, zipf
from streams.predecessors import MAX_PREDECESSORS
from streams.profiles import MAX_HISTORY, decode_profile, encode_profile
from streams.trends import decode_trend, encode_trend

ITEMS = [f"item-{n}" for n in range(1_000)]
NOW = 1_700_000_000.0


def crowd(*, users: int = 300, seed: int = 1) -> Crowd:
    return Crowd(ITEMS, users=users, seed=seed)


def test_shares_sum_to_one_and_fall() -> None:
    shares = zipf(100)
    assert shares.sum() == pytest.approx(1.0)
    assert (shares[1:] < shares[:-1]).all()
    assert shares[0] / shares[1] == pytest.approx((HEAD + 2) / (HEAD + 1))


def test_the_same_seed_gives_the_same_users_doing_the_same() -> None:
    one, again, other = crowd(), crowd(), crowd(seed=2)
    assert one.profiles(now=NOW) == again.profiles(now=NOW) != other.profiles(now=NOW)
    assert list(islice(one.actions(), 50)) == list(islice(again.actions(), 50))
    assert list(islice(one.actions(), 50)) != list(islice(other.actions(), 50))


def test_everybody_begins_at_the_bound_of_a_profile() -> None:
    for profile in crowd().profiles(now=NOW).values():
        assert len(profile.history) == MAX_HISTORY
        assert list(profile.history) == sorted(profile.history)
        assert profile.history[-1].at == NOW
        assert set(profile.seen) == {entry.item_id for entry in profile.history}
        assert len(profile.seen) == len(set(profile.seen))
        assert sum(profile.counters.values()) == MAX_HISTORY


def test_a_profile_of_the_beginning_comes_back_from_the_changelog_as_it_was() -> None:
    profile = crowd().profiles(now=NOW)["user-0"]
    assert decode_profile(encode_profile(profile)) == profile


def test_every_item_begins_with_as_many_predecessors_as_are_kept() -> None:
    trends = crowd().trends(now=NOW)
    assert list(trends) == ITEMS
    for item, trend in trends.items():
        before = trend.predecessors.item_ids
        assert len(set(before)) == len(before) == MAX_PREDECESSORS
        assert item not in before
        assert decode_trend(encode_trend(trend)) == trend
    visits = sum(trend.interactions for trend in trends.values())
    assert visits == sum(len(p.history) for p in crowd().profiles(now=NOW).values())


def test_the_first_users_do_more_than_the_last() -> None:
    done = Counter(event.user_id for event in islice(crowd().actions(), 20_000))
    first, last = (sum(done[f"user-{n}"] for n in span) for span in (range(50), range(250, 300)))
    assert first > 2 * last > 0


def test_users_return_to_what_they_know_but_for_a_few() -> None:
    users = crowd()
    seen = {user: set(profile.seen) for user, profile in users.profiles(now=NOW).items()}
    events = list(islice(users.actions(), 20_000))
    new = sum(event.item_id not in seen[event.user_id] for event in events) / len(events)
    assert NEWS / 2 < new < NEWS
