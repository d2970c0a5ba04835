"""The description at /openapi.json: the schema's structs as they are shown, and every answer an operation may give."""

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from kaizen_api.http import answers
from kaizen_api.schema import Cycle, Effect, Entry, Gap, Hit, Insight, Interaction, Topic

_SHOWN = (Topic, Insight, Gap, Effect, Entry, Hit, Cycle, answers.Receipt, answers.Knowledge)
_REF = "#/components/schemas/{name}"
_PROBLEM = {
    "description": "A problem document (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}},
}
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_OPEN = frozenset(
    {"/", "/livez", "/readyz", "/kaizen/metrics", "/kaizen/health"}
)  # operations without problems of a key


def described(status: int, name: str, description: str) -> dict[int | str, dict[str, Any]]:
    """An answer that is one of the components."""
    schema = {"$ref": _REF.format(name=name)}
    return {status: {"description": description, "content": {"application/json": {"schema": schema}}}}


def listed(name: str, description: str) -> dict[int | str, dict[str, Any]]:
    """An answer that is a page of one of the components."""
    schema = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": _REF.format(name=name)}},
            "next": {"type": ["string", "null"], "description": "The cursor of the next page, null at the end."},
        },
    }
    return {200: {"description": description, "content": {"application/json": {"schema": schema}}}}


def body(schemas: Mapping[str, Mapping[str, Any]], *, required: bool = True) -> dict[str, Any]:
    """A request's body by media type."""
    content = {media: {"schema": schema} for media, schema in schemas.items()}
    return {"requestBody": {"required": required, "content": content}}


def describe(app: FastAPI) -> None:
    """Have the application describe itself so."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            document.setdefault("components", {})["schemas"] = _components()
            _add_problems(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI documents it


def _components() -> dict[str, Any]:
    _, shown = msgspec.json.schema_components(_SHOWN, ref_template=_REF)
    _, taken = msgspec.json.schema_components([Interaction, answers.Problem], ref_template=_REF)
    return {**{name: _as_shown(schema) for name, schema in shown.items()}, **taken}


def _as_shown(schema: dict[str, Any]) -> dict[str, Any]:
    """Every field is there, and times can be read (see `rendering.plain`)."""
    if "properties" not in schema:
        return schema
    fields = {
        name: {"type": ["string", "null"], "format": "date-time"} if name == "at" or name.endswith("_at") else field
        for name, field in schema["properties"].items()
    }
    return {**schema, "properties": fields, "required": list(fields)}


def _add_problems(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS and path not in _OPEN:
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = _PROBLEM
