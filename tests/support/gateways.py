"""A real gateway as a process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx

from agents.commands.processes import free_port
from tests.support.processes import Program


class GatewayProgram(Program):
    """`headwater gateway`."""

    def __init__(self, *, settings: Mapping[str, str], log: Path) -> None:
        self.port = free_port(0)
        own = {"HEADWATER_GATEWAY__PORT": str(self.port)}
        super().__init__("gateway", settings={**settings, **own}, log=log)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def wait_ready(self) -> GatewayProgram:
        """Until `/readyz` says so."""
        self.wait_until(self._ready, what="a ready gateway")
        return self

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False
