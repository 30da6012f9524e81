"""
On how many examples a law is tried: few in `make check`, as many as it asks for in `make test`.

`HYPOTHESIS_PROFILE=thorough` asks for all of them.  They are the same ones each time, so that
what fails once fails again.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
FEWEST = 8
"""What is wrong everywhere is found by the first handful."""
SHARE = 5
"""One in so many examples is tried unless all are wanted."""


def law(examples: int, **others: Any) -> settings:
    """Settings that try so many examples in a thorough run, however long each takes."""
    tried = examples if THOROUGH else min(examples, max(examples // SHARE, FEWEST))
    return settings(max_examples=tried, deadline=None, derandomize=True, database=None, **others)
