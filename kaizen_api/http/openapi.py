"""The description at /openapi.json: the schema's structs as they are shown, and every answer an operation may give."""

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from kaizen_api.explanation import Explanation
from kaizen_api.http import answers
from kaizen_api.kinds import Kinds
from kaizen_api.knowledge import Hit, Knowledge
from kaizen_api.lives import History
from kaizen_api.schema import Cycle, Effect, Entry, Gap, Insight, Interaction, Record, Topic

_FOUND = (Topic, History, Kinds, Insight, Explanation, Record, Gap, Effect, Entry, Hit, Cycle)
_SHOWN = (*_FOUND, answers.Receipt, Knowledge)
_REF = "#/components/schemas/{name}"
_PROBLEM = {
    "description": "A problem document (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}},
}
_KEYS = {
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The tenant's key."},
    "Header": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key, in its own header.",
    },
}
_TENANT = {
    "name": "tenant",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "maxLength": 63},
    "description": "Whose; the key must open it. Default: the key's own.",
}


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
            _add_keys_and_problems(document)
            schemas = document["components"]["schemas"]
            for replaced in ("HTTPValidationError", "ValidationError"):
                schemas.pop(replaced, None)
            schemas.update(_components())
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


def _add_keys_and_problems(document: dict[str, Any]) -> None:
    """What holds for each operation under /v1: it takes a key and a tenant, and may answer with a problem."""
    document.setdefault("components", {"schemas": {}})["securitySchemes"] = _KEYS
    operations = [
        each for path, methods in document["paths"].items() if path.startswith("/v1/") for each in methods.values()
    ]
    for operation in operations:
        operation["security"] = [{name: []} for name in _KEYS]
        operation.setdefault("parameters", []).append(_TENANT)
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = _PROBLEM
