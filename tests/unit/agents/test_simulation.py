"""Simulated users: their taste shows, drifts, and is the same for slates and for the control."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from agents.simulation import (
    FANS,
    INTERESTS,
    SATED,
    Click,
    Population,
    SimulatedUser,
    authors_of,
    count_clicks,
    examination,
    subjects_of,
    world_of,
)
from streams.errors import SetupError
from streams.items import Item, decode_item

SLATE = 10
VISITS = 600
FEW_VISITS = 200
"""Enough where slates differ by a multiple."""
BOOKS_FILE = Path(__file__).parents[3] / "examples" / "books.jsonl"


def read_books() -> list[Item]:
    lines = BOOKS_FILE.read_bytes().splitlines()
    decoded = (decode_item(json.loads(line)["item_id"].encode(), line) for line in lines)
    return [item for _, item in decoded if item is not None]


BOOKS = read_books()
WORLD = world_of(BOOKS)

ChooseSlate = Callable[[SimulatedUser, Sequence[Item]], Sequence[Item]]


def oracle_slate(user: SimulatedUser, unseen: Sequence[Item]) -> Sequence[Item]:
    return sorted(unseen, key=user.affinity, reverse=True)[:SLATE]


def random_slates(seed: int) -> ChooseSlate:
    rng = Random(seed)
    return lambda _, unseen: rng.sample(unseen, SLATE)


def population(seed: int, users: int = 20) -> Population:
    return Population(users, catalogue=BOOKS, rng=Random(seed))


def somebody(seed: int) -> SimulatedUser:
    return SimulatedUser("ann", world=WORLD, rng=Random(seed))


def clicks_and_control(
    choose: ChooseSlate, *, seed: int, visits: int = FEW_VISITS
) -> tuple[float, float]:
    """Clicks per visit on slates so chosen, and what the control says of the same visits."""
    people, clicks, control = population(seed), 0, 0.0
    for _ in range(visits):
        user = people.next_user()
        slate = choose(user, [book for book in BOOKS if book.item_id not in user.acted])
        control += people.control(user, len(slate))
        clicks += count_clicks(user.visit(slate))
    return clicks / visits, control / visits


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_slate_matched_to_the_taste_earns_two_and_a_half_times_a_random_one(seed: int) -> None:
    oracle, control = clicks_and_control(oracle_slate, seed=seed)
    by_chance, _ = clicks_and_control(random_slates(seed), seed=seed)
    assert oracle >= 2.5 * by_chance
    assert oracle >= 2.5 * control


def test_a_random_slate_earns_what_the_control_says() -> None:
    pairs = [clicks_and_control(random_slates(seed), seed=seed, visits=VISITS) for seed in range(5)]
    clicks, control = (sum(column) * VISITS for column in zip(*pairs, strict=True))
    noise = control**0.5  # clicks are rare and nearly independent: about Poisson
    assert abs(clicks - control) < 3 * noise
    assert noise < 0.05 * control, "too few visits to tell"


def test_expected_clicks_are_the_mean_of_the_clicks_drawn() -> None:
    slate, drawn, expected = BOOKS[:SLATE], 0, 0.0
    for seed in range(2_000):
        user = somebody(seed)
        expected += user.expected_clicks(slate)
        drawn += count_clicks(user.visit(slate))
    assert abs(drawn - expected) < 3 * expected**0.5


def test_nothing_is_expected_of_what_was_acted_on() -> None:
    user = somebody(2)
    before = user.expected_clicks(BOOKS[:2])
    user.acted.add(BOOKS[0].item_id)
    assert 0 < user.expected_clicks(BOOKS[:2]) < before


def test_nobody_clicks_the_same_item_twice() -> None:
    user = somebody(1)
    done = [click for _ in range(500) for click in user.visit(BOOKS)]
    assert len(done) > 20
    assert max(Counter(click.item_id for click in done).values()) == 1
    assert user.acted == {click.item_id for click in done}


def test_an_item_shown_twice_on_one_slate_is_clicked_once() -> None:
    for seed in range(50):
        assert len(somebody(seed).visit([BOOKS[0]] * 20)) <= 1


def test_a_click_says_where_the_item_stood() -> None:
    user = somebody(3)
    done = [click for _ in range(50) for click in user.visit(BOOKS)]
    assert all(BOOKS[click.position].item_id == click.item_id for click in done)


def test_all_three_actions_occur_and_a_like_is_rarer_than_a_click() -> None:
    actions: Counter[str] = Counter()
    people = population(1)
    for _ in range(FEW_VISITS):
        user = people.next_user()
        actions.update(click.action for click in user.visit(oracle_slate(user, BOOKS)))
        actions.update(click.action for click in user.visit(BOOKS[:SLATE]))
    assert actions["click"] > actions["like"] > 0
    assert actions["skip"] > 0


def test_what_is_liked_suits_the_taste_and_what_is_skipped_does_not() -> None:
    for seed in range(50):
        user = somebody(seed)
        before = {book.item_id: user.affinity(book) for book in BOOKS}
        for click in user.visit(BOOKS):
            assert click.action != "like" or before[click.item_id] >= 0.6
            assert click.action != "skip" or before[click.item_id] <= 0.15


def test_a_skip_is_no_click() -> None:
    assert count_clicks([Click(0, "a", "skip"), Click(1, "b", "click"), Click(2, "c", "like")]) == 2


def test_places_further_down_are_looked_at_less() -> None:
    assert examination(0) == 1.0
    assert all(upper > lower for upper, lower in pairwise(map(examination, range(50))))


def test_the_same_books_earn_more_at_the_top_than_at_the_bottom() -> None:
    best_first = oracle_slate(user := somebody(1), BOOKS)
    assert user.expected_clicks(best_first) > user.expected_clicks(best_first[::-1])


def test_affinity_is_between_nothing_and_everything() -> None:
    unknown = Item(item_id="x", title="X", attributes={"subjects": ("knitting",)})
    bare = Item(item_id="y", title="Y")
    for seed in range(100):
        user = somebody(seed)
        for _ in range(20):
            user.drift()
        assert all(0 <= user.affinity(item) <= 1 for item in [*BOOKS, unknown, bare])


def test_a_book_on_ones_interests_is_preferred_to_one_on_none() -> None:
    user = somebody(4)
    on_all = Item(title="all", attributes={"subjects": user.interests})
    on_none = Item(title="none", attributes={"subjects": ("knitting",)})
    assert user.affinity(on_all) > 0.7 > 0.1 > user.affinity(on_none)


def test_the_favourite_author_is_preferred_and_about_half_have_one() -> None:
    users = [somebody(seed) for seed in range(400)]
    fans = [user for user in users if user.favourite is not None]
    assert abs(len(fans) / len(users) - FANS) < 0.1
    for user in fans:
        by_them = Item(title="t", attributes={"subjects": ("sea",), "author": user.favourite or ""})
        by_nobody = Item(title="t", attributes={"subjects": ("sea",)})
        assert user.affinity(by_them) > user.affinity(by_nobody)


def test_everybody_has_a_few_interests_for_life() -> None:
    for seed in range(30):
        user = somebody(seed)
        for _ in range(300):
            user.drift()
            assert INTERESTS[0] <= len(user.interests) <= INTERESTS[1]


def test_a_visit_moves_the_taste_a_little() -> None:
    user = somebody(5)
    before = [user.affinity(book) for book in BOOKS]
    interests = user.interests
    user.visit([])
    steps = [abs(user.affinity(book) - old) for book, old in zip(BOOKS, before, strict=True)]
    assert user.interests == interests
    assert 0 < max(steps) < 0.15


def test_interests_swap_now_and_then() -> None:
    user, changes = somebody(6), 0
    for _ in range(1_000):
        before = set(user.interests)
        user.drift()
        changes += before != set(user.interests)
    assert 15 <= changes <= 80


def test_taste_is_as_sharp_after_hundreds_of_visits_as_on_the_first() -> None:
    def sharpness(users: Sequence[SimulatedUser]) -> float:
        best = sum(user.expected_clicks(oracle_slate(user, BOOKS)) for user in users)
        return best / sum(user.expected_clicks(BOOKS[::10]) for user in users)

    users = [somebody(seed) for seed in range(40)]
    fresh = sharpness(users)
    for user in users:
        for _ in range(300):
            user.drift()
    assert sharpness(users) == pytest.approx(fresh, rel=0.25)


def history(*, asking: bool) -> list[tuple[str, list[Click]]]:
    people, seen = population(7), []
    for _ in range(100):
        user = people.next_user()
        if asking:
            people.control(user, SLATE)
        seen.append((user.user_id, user.visit(BOOKS[:SLATE])))
    return seen


def test_the_same_seed_gives_the_same_people_doing_the_same() -> None:
    assert history(asking=False) == history(asking=False)


def test_asking_for_the_control_changes_nothing_users_do() -> None:
    assert history(asking=True) == history(asking=False)


def test_the_control_shows_nothing_already_acted_on() -> None:
    people = population(8)
    user = people.users[0]
    user.acted.update(book.item_id for book in BOOKS)
    assert people.control(user, SLATE) == 0.0
    user.acted.discard("moby-dick")
    moby = next(book for book in BOOKS if book.item_id == "moby-dick")
    assert people.control(user, SLATE) == user.expected_clicks([moby])


def test_an_item_published_later_is_in_the_control() -> None:
    shelf = [BOOKS[0]]
    people = Population(1, catalogue=shelf, rng=Random(1))
    user = people.users[0]
    user.acted.add(BOOKS[0].item_id)
    assert people.control(user, SLATE) == 0.0
    shelf.append(BOOKS[1])
    assert people.control(user, SLATE) > 0.0


def test_who_has_had_enough_is_followed_by_a_newcomer() -> None:
    people = population(9, users=1)
    veteran = people.next_user()
    veteran.acted.update(book.item_id for book in BOOKS[: int(SATED * len(BOOKS)) + 1])
    newcomer = people.next_user()
    assert newcomer is not veteran
    assert newcomer.user_id != veteran.user_id
    assert not newcomer.acted
    assert people.users == [newcomer]


def test_everybody_comes_by() -> None:
    people = population(10)
    assert {people.next_user().user_id for _ in range(500)} == {u.user_id for u in people.users}
    assert len(people.users) == 20


@pytest.mark.parametrize(("users", "catalogue"), [(0, BOOKS), (3, [])])
def test_nobody_or_nothing_to_show_is_refused(users: int, catalogue: list[Item]) -> None:
    with pytest.raises(SetupError, match="expected one of each"):
        Population(users, catalogue=catalogue, rng=Random(1))


def test_films_are_about_their_genres_and_the_rest_about_their_tags() -> None:
    film = Item(title="Heat", attributes={"genres": ("Crime", "Action")}, tags=("la",))
    product = Item(title="Mug", tags=("kitchen", "gift"))
    assert subjects_of(film) == ("Crime", "Action")
    assert subjects_of(product) == ("kitchen", "gift")
    assert authors_of(product) == ()


def test_a_catalogue_about_nothing_still_has_visitors() -> None:
    people = Population(2, catalogue=[Item(item_id="x", title="X")], rng=Random(1))
    assert people.next_user().affinity(Item(title="X")) == 0.0
