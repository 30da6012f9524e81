"""
A bare FastAPI endpoint that answers with the same bytes: what FastAPI, uvicorn and HTTP cost.

`BODY=FILE uvicorn --factory benchmarks.bare:make_app`
"""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response


def make_app() -> FastAPI:
    """The app; it answers with the bytes of the file that BODY names."""
    body = Path(os.environ["BODY"]).read_bytes()
    app = FastAPI()

    @app.get("/slates/{user_id}")
    async def answer(user_id: str) -> Response:  # noqa: ARG001
        return Response(body, media_type="application/json")

    return app
