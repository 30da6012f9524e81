"""Is it up, is it ready, what does it count."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from agents.metrics_server import page
from gateway.parts import parts_of
from gateway.schemas import answer

router = APIRouter()
_OBJECT = {"type": "object"}
_TEXT = {"schema": {"type": "string"}}
_METRICS = {
    "description": "metrics",
    "content": {"text/plain": _TEXT, "application/openmetrics-text": _TEXT},
}


@router.get("/healthz", summary="Is it up?", responses={200: answer(_OBJECT, "it is")})
async def healthz() -> Response:
    """The process answers."""
    return JSONResponse({"status": "up"})


@router.get(
    "/readyz",
    summary="Is it ready?",
    responses={200: answer(_OBJECT, "it is"), 503: answer(_OBJECT, "not yet; which part is false")},
)
async def readyz(request: Request) -> Response:
    """The replicas have caught up."""
    parts = parts_of(request).readiness()
    ready = all(parts.values())
    return JSONResponse({"ready": ready, **parts}, 200 if ready else 503)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    responses={200: _METRICS},
)
async def metrics(request: Request) -> Response:
    """What Prometheus reads, in the format that it asks for."""
    body, kind = page(parts_of(request).metrics, accept=request.headers.get("accept", ""))
    return Response(body, media_type=kind)
