"""The OpenAPI document: schemas come from the types that are read and written, so they agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gateway.bodies import ASKED_BY_CALLERS, MOST
from gateway.problems import MEDIA_TYPE, SCHEMA
from gateway.searching import Match
from slates.slate import Slate
from streams.events import Impression, Interaction
from streams.items import Item
from streams.requests import SlateRequest

_REF = "#/components/schemas/{name}"
_TYPES = (Interaction, Impression, Item, SlateRequest, Slate, Match)


def ref(name: str) -> dict[str, Any]:
    """A schema by its name."""
    return {"$ref": _REF.format(name=name)}


def body(*names: str, many: bool = False, examples: Mapping[str, Any]) -> dict[str, Any]:
    """What a route is sent: one of some types, or an array of them too."""
    one = ref(names[0]) if len(names) == 1 else {"oneOf": [ref(name) for name in names]}
    schema = {"anyOf": [one, {"type": "array", "items": one, "maxItems": MOST}]} if many else one
    shown = {name: {"value": value} for name, value in examples.items()}
    content = {"application/json": {"schema": schema, "examples": shown}}
    return {"requestBody": {"required": True, "content": content}}


def answer(schema: Mapping[str, Any], text: str, *, media: str = "application/json") -> Any:
    """What a route answers."""
    return {"description": text, "content": {media: {"schema": dict(schema)}}}


def problems(*statuses: int) -> dict[int | str, Any]:
    """What may go wrong with a route; some things may with all."""
    every = {401, 403, 408, 413, 422, 429, *statuses}
    return {
        status: answer(ref("Problem"), "see `detail` and `field`", media=MEDIA_TYPE)
        for status in sorted(every)
    }


def describe(app: FastAPI) -> None:
    """Give the app its document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(_components())
            found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            found["security"] = [{"key": []}, {}]
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _components() -> dict[str, Any]:
    _, found = msgspec.json.schema_components(_TYPES, ref_template=_REF)
    components: dict[str, Any] = {**found, "Problem": dict(SCHEMA)}
    asked = components["SlateRequest"]
    asked["properties"] = {name: asked["properties"][name] for name in ASKED_BY_CALLERS}
    for name in ("Interaction", "Impression", "Item", "SlateRequest"):
        components[name]["additionalProperties"] = False
    components["Item"]["required"] = ["item_id", "title"]
    return components
