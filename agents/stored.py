"""Replayed state in a folder, for somebody to look at: one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from agents.replaying import Replaying
from streams.errors import BadSetting

PROFILES = "profiles.jsonl"
TRENDS = "item-trends.jsonl"


class Store:
    """Two files that are not there yet."""

    def __init__(self, folder: Path) -> None:
        """
        Make the folder.

        Raises:
            BadSetting: It cannot be made, or has such a file already.
        """
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise BadSetting(f"--out {folder}: {exc.strerror}, expected a folder") from exc
        for name in (PROFILES, TRENDS):
            if (folder / name).exists():
                raise BadSetting(f"--out {folder}: {name} is there already, expected no such file")

    def write(self, replaying: Replaying) -> None:
        """
        Write both.

        Raises:
            BadSetting: They cannot be written, or somebody else has meanwhile.
        """
        profiles = (
            {"partition": partition, "user_id": user_id, "profile": profile}
            for partition, shard in sorted(replaying.profiles.shards.items())
            for user_id, profile in sorted(shard.items())
        )
        trends = ({"item_id": i, "trend": trend} for i, trend in sorted(replaying.trends.items()))
        try:
            self._write(PROFILES, profiles)
            self._write(TRENDS, trends)
        except OSError as exc:
            raise BadSetting(f"--out {self._folder}: {exc.strerror}") from exc

    def _write(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        with (self._folder / name).open("xb") as file:
            for row in rows:
                file.write(msgspec.json.encode(row) + b"\n")
