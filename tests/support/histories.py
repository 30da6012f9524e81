"""Histories of users, and what they fold to."""

from hypothesis import strategies as st

from streams.events import Event, Gains, Impression, Interaction, Preferences
from streams.profiles import Entry, Likes, Profile, Shown, fold
from tests.support.laws import law

LAW = law(50)

GAINS = Gains({"click": 1.0, "like": 2.0, "dislike": -2.0, "rating": 2.0})

KNOWN = Profile(
    history=(Entry(10.0, "dune", "click", 1.0), Entry(20.5, "emma", "rating", -0.5)),
    seen=("emma", "dune"),
    counters={"click": 1, "rating": 1, "impression": 2},
    partition=3,
    offset=120,
    shown={"moby": Shown(2, 30.5)},
    likes=Likes("Likes sand.", "model", 40.0, 2),
)

ITEMS = st.sampled_from([f"item-{n}" for n in range(12)])

INTERACTIONS = st.builds(
    Interaction,
    user_id=st.just("ann"),
    at=st.floats(0, 1e9) | st.integers(0, 5).map(float),
    item_id=ITEMS,
    action=st.sampled_from(["click", "like", "dislike"]),
)

IMPRESSIONS = st.builds(
    Impression, user_id=st.just("ann"), at=st.floats(0, 1e9), slate_id=ITEMS, item_ids=st.just(())
)

PREFERENCES = st.one_of(
    st.builds(
        Preferences,
        user_id=st.just("ann"),
        at=st.integers(0, 9).map(float),
        text=st.none() | st.sampled_from(["", "No horror.", "Sea stories."]),
        by=st.just("user"),
    ),
    st.builds(
        Preferences,
        user_id=st.just("ann"),
        at=st.integers(0, 9).map(float),
        text=st.just("Likes sand."),
        by=st.sampled_from(["model", "engine"]),
        basis=st.integers(1, 9),
    ),
)

HISTORIES = st.lists(st.one_of(INTERACTIONS, IMPRESSIONS, PREFERENCES), max_size=20)


def impression(at: float, *item_ids: str) -> Impression:
    return Impression(user_id="ann", at=at, slate_id="s", item_ids=item_ids)


def click(item_id: str, at: float) -> Interaction:
    return Interaction(user_id="ann", at=at, item_id=item_id, action="click")


def folded(profile: Profile, event: Event, *, offset: int, partition: int = 0) -> Profile:
    after = fold(profile, event, gains=GAINS, partition=partition, offset=offset)
    if after is None:  # only a stranger whom somebody wrote about
        assert isinstance(event, Preferences)
        return profile
    return after


def fold_all(events: list[Event], start: Profile = Profile()) -> Profile:  # noqa: B008 (frozen)
    """Fold events at the offsets of their arrival."""
    for offset, event in enumerate(events):
        start = folded(start, event, offset=offset)
    return start
