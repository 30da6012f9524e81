"""
The server that shows metrics, and how a worker is.

`/metrics` is for Prometheus, `/healthz` says that the process answers, `/readyz` that it has caught
up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import choose_encoder

from agents.metrics import Metrics
from streams.errors import SetupError

Readiness = Callable[[], Mapping[str, bool]]
"""What has to be true before a worker is ready, by name."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a scrape every few seconds is no news."""


def serve_metrics(metrics: Metrics, *, host: str, port: int, readiness: Readiness) -> WSGIServer:
    """
    Start the metrics server in a thread.

    Returns:
        The server; `server_port` is its port, `shutdown()` ends it.

    Raises:
        SetupError: The port is taken.
    """
    app = _app(metrics, readiness)
    try:
        server = make_server(host, port, app, _Server, handler_class=_QuietHandler)
    except OSError as exc:
        raise SetupError(
            f"metrics cannot listen on {host}:{port} ({exc.strerror}): "
            "set HEADWATER_METRICS__PORT to a free port, or 0 for any"
        ) from exc
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def page(metrics: Metrics, *, accept: str = "") -> tuple[bytes, str]:
    """
    What Prometheus reads, and its content type.

    Args:
        metrics: All of them.
        accept: The request's header `Accept`; exemplars are in OpenMetrics only.
    """
    encode, kind = choose_encoder(accept)
    return encode(metrics.registry), kind


def _app(metrics: Metrics, readiness: Readiness) -> Any:
    show_metrics = make_wsgi_app(metrics.registry)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                answer: Iterable[bytes] = show_metrics(environ, start_response)
                return answer
            case "/healthz":
                return _json(start_response, "200 OK", {"status": "up"})
            case "/readyz":
                parts = dict(readiness())
                status = "200 OK" if all(parts.values()) else "503 Service Unavailable"
                return _json(start_response, status, {"ready": all(parts.values()), **parts})
            case _:
                body = {"error": "try /metrics, /healthz or /readyz"}
                return _json(start_response, "404 Not Found", body)

    return app


def _json(start_response: Any, status: str, body: Mapping[str, Any]) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode() + b"\n"]
