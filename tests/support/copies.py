"""Restored state that is looked at and counted."""

from tests.support.changelogs import PROFILES, Changelogs, Owning


async def settled(owning: Owning) -> None:
    """What was restored has been written to the local copies, and they are closed."""
    owning.logs.keepings.remove(owning.keeping)
    await owning.keeping.close()


def failures(owning: Owning, reason: str) -> float | None:
    return owning.metrics.registry.get_sample_value(
        "headwater_local_state_failures_total", {"topic": PROFILES, "reason": reason}
    )


async def begun(logs: Changelogs) -> None:
    """A worker has restored ann, eve and joe, and has ended."""
    for key in (b"ann", b"eve", b"joe"):
        logs.write(key, b"1", topic=PROFILES)
    before = Owning(logs)
    await before.restore(1, events=[0])
    await settled(before)
    logs.was_read()
