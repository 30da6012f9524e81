"""How far a pair is above chance."""

import numpy as np
import pytest

from slates.reasons.covisits import lift_bits


@pytest.mark.parametrize(
    ("people", "everyone", "visits", "bits"),
    [(5, 10, 50, 0.0), (10, 10, 25, 2.0), (5, 20, 50, -1.0), (5, 10, 0, np.log2(50))],
)
def test_lift_is_the_share_of_what_people_came_from_to_the_share_of_all_visits(
    people: int, everyone: int, visits: int, bits: float
) -> None:
    columns = (np.array([float(number)]) for number in (people, everyone, visits))
    one, two, three = columns
    assert lift_bits(one, two, visits=three, of=100.0) == pytest.approx([bits])
