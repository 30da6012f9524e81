"""docker-compose.yml without Docker: its services' settings, for processes on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::-([^}]*))?\}")


class Composed:
    """The services, with variables filled in, and what is elsewhere here put in its place."""

    def __init__(self, environment: Mapping[str, str], *, places: Mapping[str, str]) -> None:
        """
        Read the file.

        Args:
            environment: What `docker compose` would have in its environment.
            places: Addresses and paths of the containers to those of this machine.
        """
        self._environment = environment
        self._places = places
        text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
        self._services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]

    def environment(self, service: str) -> dict[str, str]:
        """A service's environment variables."""
        return {k: self.here(str(v)) for k, v in self._services[service]["environment"].items()}

    def command(self, service: str) -> list[str]:
        """What a service runs: its entry point and its command."""
        found = self._services[service]
        parts = [*found.get("entrypoint", []), *found.get("command", [])]
        return [self.here(str(part)) for part in parts]

    def here(self, text: str) -> str:
        """A text of the file as it reads on this machine."""
        longest_first = sorted(self._places, key=len, reverse=True)
        there = re.compile("|".join(map(re.escape, longest_first)))
        filled = _VARIABLE.sub(self._variable, text)
        return there.sub(lambda found: self._places[found.group()], filled)

    def _variable(self, found: re.Match[str]) -> str:
        name, otherwise = found.groups()
        return "$" if name is None else self._environment.get(name) or otherwise or ""


def env_file(path: Path) -> dict[str, str]:
    """Name to value."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def broker_settings(environment: Mapping[str, str]) -> str:
    """`KAFKA_…` variables as the image of Apache Kafka turns them into server.properties."""
    lines = []
    for name, value in environment.items():
        key = name.removeprefix("KAFKA_").lower()
        key = key.replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")
        if key != "log.dirs":
            lines.append(f"{key}={value}\n")
    return "".join(lines)
