"""The live page and its files, which are part of the package; no other file is served."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from gateway.problems import not_found

router = APIRouter(include_in_schema=False)

TYPES: Final = {
    "index.html": "text/html; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The files there are; a name that is not here leads nowhere."""
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
}


@router.get("/")
async def index() -> Response:
    """The page."""
    return _file("index.html")


@router.get("/page/{name}")
async def file(name: str) -> Response:
    """What the page needs."""
    return _file(name)


def _file(name: str) -> Response:
    if name not in TYPES:
        raise not_found("no such file")
    body = files("gateway").joinpath("page_files", name).read_bytes()
    return Response(body, media_type=TYPES[name], headers=_HEADERS)
