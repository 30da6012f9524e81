"""
Try what may crash or hang, in a child process: `python -m agents.probing encoder`.

A library built for another CPU dies with SIGILL and takes its process along; `headwater doctor`
must live to say so.  A probe prints one JSON object.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

TEXTS = 32
"""Texts encoded to time one: four batches."""
ITEMS, CLOSEST = 200, 10
"""Size of the index of the canary, and how many matches it looks at."""


class ProbeFailed(Exception):
    """The child did not come to an end that tells anything; the message says how it ended."""


def probe(name: str, *, patience: float) -> Mapping[str, Any]:
    """
    Run a probe in a child process.

    Raises:
        ProbeFailed: It crashed, failed or took longer than `patience` seconds.
    """
    command = [sys.executable, "-m", "agents.probing", name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise ProbeFailed(f"no answer within {patience:g} s") from exc
    if done.returncode < 0:
        raise ProbeFailed(f"killed by {signal.Signals(-done.returncode).name}")
    if done.returncode:
        raise ProbeFailed(last_line(done.stderr))
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def last_line(text: str) -> str:
    r"""
    Where a traceback says what it is about.

    >>> last_line("Traceback …\nImportError: no module\n\n")
    'ImportError: no module'
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it ended without a word"


def probe_encoder() -> Mapping[str, Any]:
    """Encode a few texts; how long one takes, and how long the vectors are."""
    import numpy as np

    from indexes.embedding import Encoder

    began = time.perf_counter()
    encoder = Encoder()
    loaded = time.perf_counter()
    encoder.encode(["warm up"] * 8)
    warm = time.perf_counter()
    rows = encoder.encode([f"A novel about the sea, number {i}" for i in range(TEXTS)])
    done = time.perf_counter()
    lengths = np.linalg.norm(rows.astype("f4"), axis=1)
    return {
        "precision": encoder.precision,
        "dim": rows.shape[1],
        "shortest": round(float(lengths.min()), 4),
        "longest": round(float(lengths.max()), 4),
        "load_seconds": round(loaded - began, 2),
        "ms_per_text": round((done - warm) * 1000 / TEXTS, 1),
    }


def probe_index() -> Mapping[str, Any]:
    """Do the items of a small graph find themselves?"""
    import numpy as np

    from indexes.embedding import DIM
    from indexes.items import HnswIndex

    vectors = np.random.default_rng(1).normal(size=(ITEMS, DIM)).astype("f4")
    index = HnswIndex(DIM)
    index.upsert_many([(str(i), vector) for i, vector in enumerate(vectors)])
    found = index.search(vectors, n=CLOSEST)
    index.close()
    return {"items": ITEMS, "found": sum(m[0].item_id == str(i) for i, m in enumerate(found))}


_PROBES: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "encoder": probe_encoder,
    "index": probe_index,
}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_PROBES[sys.argv[1]]()) + "\n")
