"""A worker that serves, to be offered rebuilt indexes, and a way to spoil one."""

from collections.abc import Callable
from pathlib import Path

from indexes.items import HnswIndex
from tests.support.rebuilt import Serving, value


async def serving(own: Path, *texts: str, index: Callable[[], HnswIndex] | None = None) -> Serving:
    """A worker that has read these items."""
    worker = Serving(own, index=None if index is None else index())
    for text in texts:
        worker.log.append(text.encode(), value(text))
    await worker.start()
    return worker


def flip_a_bit(folder: Path) -> None:
    (path,) = folder.glob("version-*/vectors.npy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
