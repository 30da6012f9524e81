"""What a worker can do."""

from __future__ import annotations

from typing import Final

ROLES: Final = ("profiling", "trending", "cataloguing", "recommending")
"""One worker that does all of it is enough for a start."""
