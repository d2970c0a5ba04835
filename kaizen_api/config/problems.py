"""How settings are shown: what is wrong with them in one error, and none of their secrets."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from kaizen_api.config.sources import PREFIX
from kaizen_api.config.urls import mask_url

_FORMS = {
    "archives_url": "must be like s3://bucket/kaizen or file:///mnt/safe",
    "api_keys": 'must be a JSON object of tenants and their keys, like {"acme": "a-long-random-text"}',
    "performance_threshold": 'must be a JSON object, like {"response_time": 2.0, "error_rate": 0.05}',
    "search_sources": "must be names of sources with commas between them, like folder,mediawiki",
    "search": 'must be a JSON object of sources, like {"brave": {"key": "..."}}',
}
"""What settings that hold several values look like as a variable."""


_SECRET = re.compile(
    r"(user_key|api_keys|naming_key|embedder_key|flower_password)(\..*)?|search(\.\w+(\.key)?)?", re.IGNORECASE
)
"""Settings that are secrets or hold some."""


def mask_setting(name: str, value: Any) -> str:
    """The value as text, passwords and keys replaced by stars."""
    if _SECRET.fullmatch(name):
        return "***" if value else str(value)
    return mask_url(str(value)) if name.endswith(("_url", ".url")) else str(value)


def explain(error: ValidationError, settings: type[BaseModel], arguments: Collection[str]) -> str:
    """One text that lists every wrong setting with its value and its range."""
    problems = (problem for problem in error.errors() if problem["type"] != "default_factory_not_called")
    lines = [_explain_one(problem, settings, arguments) for problem in problems]
    return "\n".join([f"{len(lines)} wrong setting{'s' * (len(lines) > 1)}:", *(f"  {line}" for line in lines)])


def _explain_one(problem: Any, settings: type[BaseModel], arguments: Collection[str]) -> str:
    path = [part for part in problem["loc"] if isinstance(part, str) and part != "[key]"]
    path[0] = path[0].removeprefix(PREFIX.lower())  # of what stands in a file of variables
    name = ".".join(path)
    variable = PREFIX + "__".join(path).upper()
    where = f"{name} (or {variable})" if path[0] in arguments else f"{variable} (or {name})"
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(path[-1], settings.model_fields, n=1)
        return f"{where}: there is no such setting" + (f", did you mean {near[0]}?" if near else "")
    return f"{where} = {mask_setting(name, problem['input'])}: {_expected(problem, path, settings)}"


def _expected(problem: Any, path: list[str], settings: type[BaseModel]) -> str:
    if problem["type"] == "value_error":
        return str(problem["msg"]).removeprefix("Value error, ")
    form = _FORMS.get(path[0]) if len(path) == 1 else None
    return form or _range(path, settings) or problem["msg"]


def _range(path: list[str], settings: type[BaseModel]) -> str:
    model: Any = settings
    for part in path[:-1]:
        model = getattr(getattr(model, "model_fields", {}).get(part), "annotation", None)
    field = getattr(model, "model_fields", {}).get(path[-1])
    metadata = field.metadata if field else []
    bounds = {key: getattr(item, key) for item in metadata for key in ("ge", "le") if hasattr(item, key)}
    kind = "a whole number" if field and field.annotation is int else "a number"
    return f"must be {kind} from {bounds['ge']} to {bounds['le']}" if "ge" in bounds and "le" in bounds else ""
