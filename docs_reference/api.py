"""The gateway's routes, from its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from docs_reference.tables import code, document, table
from gateway.app import described
from gateway.searching import Match

INTRO = """
# HTTP API

The gateway's routes; the same as OpenAPI is at `/openapi.json` of a gateway that runs.
Keys, tokens and what is promised stand in [the gateway](../gateway.md).
With keys, every request has the header `Authorization: Bearer KEY`; `/healthz`, `/readyz` and
`/metrics` need none.
"""
OUTRO = """
Every answer that is no success is a [problem](#problems).
"""
PROBLEMS = """
## Problems

`application/problem+json` (RFC 9457).
"""
WHY = {
    "400": "the body is no JSON",
    "401": "no key or token, or one that is unknown or has ended",
    "403": "the key or token has no right to this",
    "404": "there is no such thing",
    "405": "another method",
    "408": "the request took too long to arrive",
    "413": "the body is too large",
    "422": "the request is not valid; `field` says where",
    "429": "too many requests or streams; `Retry-After` says when to come again",
    "503": "the broker does not acknowledge, or nobody answers; `Retry-After`",
}


def page() -> str:
    """The page."""
    openapi = described().openapi()
    parts = [INTRO + OUTRO]
    for path, methods in openapi["paths"].items():
        parts += [_route(path, method, route) for method, route in methods.items()]
    problem = openapi["components"]["schemas"]["Problem"]
    parts += [PROBLEMS, _fields(problem), table(["status", "when"], _whys(openapi))]
    return document(*parts)


def _route(path: str, method: str, route: Mapping[str, Any]) -> str:
    parts = [f"## `{method.upper()} {path}`", route["description"]]
    if route.get("parameters"):
        parts.append(_parameters(route["parameters"]))
    parts += _body(route)
    answers = [
        f"* {code(status)}: {response['description']}{_kind(response)}"
        for status, response in route["responses"].items()
        if status < "400" or status not in WHY
    ]
    failures = [status for status in route["responses"] if status in WHY]
    if failures:
        answers.append(f"* {', '.join(map(code, failures))}: a problem")
    return document(*parts, "\n".join(answers))


def _parameters(parameters: list[Mapping[str, Any]]) -> str:
    rows = [
        [
            code(one["name"]),
            one["in"],
            "required" if one.get("required") else code(json.dumps(one["schema"].get("default"))),
            _limits(one["schema"]),
        ]
        for one in parameters
    ]
    return table(["parameter", "in", "default", "limits"], rows)


def _limits(schema: Mapping[str, Any]) -> str:
    words = {"minimum": "from", "maximum": "to", "minLength": "at least", "maxLength": "at most"}
    found = [f"{word} {schema[name]:g}" for name, word in words.items() if name in schema]
    return f"{' '.join(found)}{' characters' if 'maxLength' in schema else ''}"


def _body(route: Mapping[str, Any]) -> Iterator[str]:
    content = route.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    yield f"The body: {_named(content['schema'])}."
    for name, example in content.get("examples", {}).items():
        yield f"{name.capitalize()}:\n\n```json\n{json.dumps(example['value'])}\n```"


def _kind(response: Mapping[str, Any]) -> str:
    content = response.get("content", {})
    media = [name for name in content if name != "application/json"]
    named = [_named(c["schema"]) for c in content.values() if c.get("schema")]
    return "".join(f", {text}" for text in [*map(code, media), *named] if text)


def _named(schema: Mapping[str, Any]) -> str:
    """
    A schema in a few words, with links to the records that it is made of.

    >>> _named({"type": "array", "items": {"$ref": "#/components/schemas/Item"}})
    'an array of [Item](events.md#item)'
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        fields = ", ".join(map(code, Match.__struct_fields__))
        return {"Problem": "", "Match": fields}.get(name, f"[{name}](events.md#{name.lower()})")
    for several, between in (("oneOf", " or "), ("anyOf", ", or ")):
        if several in schema:
            return between.join(map(_named, schema[several]))
    if schema.get("type") == "array":
        return f"an array of {_named(schema['items'])}"
    if "properties" in schema:
        return "with " + ", ".join(
            f"{code(name)}{_of(part)}" for name, part in schema["properties"].items()
        )
    return ""


def _of(schema: Mapping[str, Any]) -> str:
    inner = _named(schema) if "$ref" in schema or schema.get("type") == "array" else ""
    return f" ({inner})" if inner and not inner.endswith("of ") else ""


def _fields(schema: Mapping[str, Any]) -> str:
    rows = [
        [code(name), "yes" if name in schema["required"] else "no", part.get("description", "")]
        for name, part in schema["properties"].items()
    ]
    return table(["field", "always", "meaning"], rows)


def _whys(openapi: Mapping[str, Any]) -> list[list[str]]:
    used = {
        status
        for methods in openapi["paths"].values()
        for route in methods.values()
        for status in route["responses"]
    }
    return [[code(status), text] for status, text in WHY.items() if status in used]
