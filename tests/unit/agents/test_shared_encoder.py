"""One encoder for a whole process, made once and used by one thread at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from agents.shared_encoder import SharedEncoder


class Slow:
    """An encoder that notices when two are at it."""

    made = 0
    at_work = 0
    most = 0

    def __init__(self) -> None:
        time.sleep(0.02)
        Slow.made += 1

    def encode(self, texts: Sequence[str]) -> Any:
        Slow.at_work += 1
        Slow.most = max(Slow.most, Slow.at_work)
        time.sleep(0.005)
        Slow.at_work -= 1
        return np.zeros((len(texts), 1), np.float16)


def test_many_threads_share_one_encoder_and_take_turns() -> None:
    shared = SharedEncoder(Slow)  # type: ignore[arg-type]
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda n: shared.encode(["x"] * n), range(1, 9)))
    assert [len(each) for each in rows] == list(range(1, 9))
    assert (Slow.made, Slow.most) == (1, 1)
    assert shared.load() == shared.encode
    assert Slow.made == 1
