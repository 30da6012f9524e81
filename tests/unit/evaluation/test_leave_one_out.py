"""The last event of every user is asked for when all others are learned."""

from evaluation.contender import Observation
from evaluation.leave_one_out import leave_one_out
from evaluation.replaying import Rules, Stream
from evaluation.testing import Scripted

EVENTS = [
    Observation("ann", "dune", at=1.0),
    Observation("bob", "dune", at=2.0),
    Observation("ann", "emma", at=3.0),
    Observation("bob", "ulysses", at=4.0),
]


def run(events: list[Observation], answer: list[str]) -> tuple[Scripted, list[float], int]:
    contender = Scripted(lambda user, now: answer)
    scores = leave_one_out(contender, Stream(events), rules=Rules())
    return contender, [float(row[0]) for row in scores.figures], scores.not_scored


def test_all_others_are_learned_before_anything_is_asked() -> None:
    contender, _, _ = run(EVENTS, [])
    assert [list(question.known) for question in contender.asked] == [EVENTS[:2]] * 2


def test_each_user_is_asked_for_the_last_event() -> None:
    _, hits, _ = run(EVENTS, ["emma"])
    assert hits == [1.0, 0.0]


def test_what_was_held_back_is_never_learned() -> None:
    contender, _, _ = run(EVENTS, [])
    assert contender.learned == EVENTS[:2]


def test_a_user_with_one_event_is_not_scored() -> None:
    _, hits, not_scored = run([*EVENTS, Observation("eve", "emma", at=5.0)], [])
    assert (len(hits), not_scored) == (2, 1)


def test_a_last_event_that_repeats_is_not_scored() -> None:
    _, hits, not_scored = run([*EVENTS, Observation("ann", "dune", at=5.0)], [])
    assert (len(hits), not_scored) == (1, 1)


def test_nothing_learned_is_later_than_a_question() -> None:
    late = [*EVENTS, *(Observation("eve", f"i{k}", at=100.0 + k) for k in range(3))]
    contender, _, _ = run(late, [])
    assert all(k.at <= question.now for question in contender.asked for k in question.known)
