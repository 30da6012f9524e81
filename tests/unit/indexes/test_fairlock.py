"""The lock hands over in the order it was asked for."""

import threading
import time

from indexes.fairlock import FairLock


def wait_for_line(lock: FairLock, length: int) -> None:
    deadline = time.monotonic() + 5
    while lock.waiting != length:
        assert time.monotonic() < deadline
        time.sleep(0.0005)


def test_threads_get_the_lock_in_the_order_they_asked() -> None:
    lock, order = FairLock(), []

    def ask(number: int) -> None:
        with lock:
            order.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    with lock:
        for number, thread in enumerate(threads):
            thread.start()
            wait_for_line(lock, number + 1)
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_who_gives_the_lock_back_cannot_overtake_who_waits() -> None:
    lock, seen = FairLock(), []
    waiting = threading.Thread(target=lambda: _note(lock, seen, "reader"))
    with lock:
        waiting.start()
        wait_for_line(lock, 1)
    with lock:
        seen.append("writer again")
    waiting.join()
    assert seen == ["reader", "writer again"]


def test_two_threads_are_never_inside_together() -> None:
    lock, inside, most = FairLock(), [], []

    def visit() -> None:
        for _ in range(300):
            with lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert len(most) == 1200


def test_an_error_inside_gives_the_lock_back() -> None:
    lock = FairLock()
    try:
        with lock:
            raise ValueError
    except ValueError:
        pass
    with lock:
        assert lock.waiting == 0


def _note(lock: FairLock, seen: list[str], name: str) -> None:
    with lock:
        seen.append(name)
