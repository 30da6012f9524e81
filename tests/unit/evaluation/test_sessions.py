"""What a session does around a replay."""

from __future__ import annotations

from pathlib import Path

from threadpoolctl import threadpool_info

from evaluation.contender import Contender, Observation
from evaluation.prequential import prequential
from evaluation.replaying import OnStep, Rules, Stream
from evaluation.scores import Scores
from evaluation.sessions import Job, replay_one


def test_a_replay_keeps_to_one_thread_as_a_worker_does() -> None:
    threads: list[int] = []

    def method(contender: Contender, stream: Stream, *, rules: Rules, on_step: OnStep) -> Scores:
        threads.extend(pool["num_threads"] for pool in threadpool_info())
        return prequential(contender, stream, rules=rules, on_step=on_step)

    seen = [Observation(f"user-{n % 3}", f"item-{n % 7}", float(n)) for n in range(21)]
    found = replay_one(Job(Path("events.csv"), warm=0.0), Stream(seen), method, name="popularity")
    assert set(threads) == {1}
    assert found.scores.users
