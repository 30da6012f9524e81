"""What goes wrong, as problem+json (RFC 9457): the field, the expectation, the remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A request that is not answered as asked."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        field: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.field = field
        """Where in the request, such as `[2].user_id` or `n`; empty where it is no field's."""
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        body: dict[str, Any] = {"type": "about:blank", "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        if self.field:
            body["field"] = self.field
        return Response(json.dumps(body), self.status, headers=self.headers, media_type=MEDIA_TYPE)


SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string", "description": "Where in the request."},
    },
}
"""For the OpenAPI document."""


def invalid(detail: str, *, field: str = "") -> Problem:
    """The request is understood and wrong."""
    return Problem(422, "The request is not valid", detail, field=field)


def not_found(detail: str) -> Problem:
    """There is no such thing."""
    return Problem(404, "Not found", detail)


def unavailable(detail: str, *, after: int = 2) -> Problem:
    """Something behind us is away; worth another try in so many seconds."""
    return Problem(503, "Unavailable", detail, headers={"Retry-After": str(after)})


def handle_problems(app: FastAPI) -> None:
    """Answer with problems, whoever noticed: we, FastAPI or Starlette."""

    async def ours(_: Request, exc: Exception) -> Response:
        assert isinstance(exc, Problem)
        return exc.response()

    async def of_parameters(_: Request, exc: Exception) -> Response:
        assert isinstance(exc, RequestValidationError)
        first = exc.errors()[0]
        name = ".".join(str(part) for part in first["loc"][1:])
        return invalid(str(first["msg"]), field=name).response()

    async def of_routing(_: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)
        return Problem(exc.status_code, str(exc.detail), headers=exc.headers).response()

    app.add_exception_handler(Problem, ours)
    app.add_exception_handler(RequestValidationError, of_parameters)
    app.add_exception_handler(HTTPException, of_routing)
