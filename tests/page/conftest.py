"""The broker and the worker of the embedded tests."""

from tests.embedded.conftest import broker, settings, worker

__all__ = ["broker", "settings", "worker"]
