"""How settings are shown: what is wrong with them in one error, and none of their secrets."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ValidationError

from kaizen_api.config.sources import PREFIX


def mask_setting(name: str, value: Any) -> str:
    """The value as text, passwords and keys replaced by stars."""
    if name.split(".", maxsplit=1)[0] in {"user_key", "api_keys"}:
        return "***" if value else str(value)
    if name.endswith("_url") and "@" in str(value):
        parts = urlsplit(str(value))
        return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{parts.netloc.rpartition('@')[2]}"))
    return str(value)


def explain(error: ValidationError, settings: type[BaseModel], arguments: Collection[str]) -> str:
    """One text that lists every wrong setting with its value and its range."""
    problems = (problem for problem in error.errors() if problem["type"] != "default_factory_not_called")
    lines = [_explain_one(problem, settings, arguments) for problem in problems]
    return "\n".join([f"{len(lines)} wrong setting{'s' * (len(lines) > 1)}:", *(f"  {line}" for line in lines)])


def _explain_one(problem: Any, settings: type[BaseModel], arguments: Collection[str]) -> str:
    path = [str(part) for part in problem["loc"] if part != "[key]"]
    name = ".".join(path)
    variable = PREFIX + "__".join(path).upper()
    where = f"{name} (or {variable})" if path[0] in arguments else f"{variable} (or {name})"
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(path[-1], settings.model_fields, n=1)
        return f"{where}: there is no such setting" + (f", did you mean {near[0]}?" if near else "")
    expected = _range(path, settings) or problem["msg"].removeprefix("Value error, ")
    return f"{where} = {mask_setting(name, problem['input'])}: {expected}"


def _range(path: list[str], settings: type[BaseModel]) -> str:
    model: Any = settings
    for part in path[:-1]:
        model = getattr(getattr(model, "model_fields", {}).get(part), "annotation", None)
    field = getattr(model, "model_fields", {}).get(path[-1])
    metadata = field.metadata if field else []
    bounds = {key: getattr(item, key) for item in metadata for key in ("ge", "le") if hasattr(item, key)}
    kind = "a whole number" if field and field.annotation is int else "a number"
    return f"must be {kind} from {bounds['ge']} to {bounds['le']}" if "ge" in bounds and "le" in bounds else ""
