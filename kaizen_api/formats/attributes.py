"""OpenTelemetry attributes: which names mean what, in one table, and how their values are written in JSON.

The GenAI conventions are in development and change: a name that they change is changed here. Where several names mean
the same, the first one that is there counts. A name that stands for a list is also found as `NAME.0.…`, `NAME.1.…`,
the way OpenInference and the older GenAI conventions flatten lists.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

NAMES: Mapping[str, tuple[str, ...]] = {
    # what the span is
    "kind": ("gen_ai.operation.name", "openinference.span.kind"),
    "session": ("gen_ai.conversation.id", "session.id"),
    "user": ("user.id", "enduser.id"),
    "model": ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name"),
    "parameters": ("llm.invocation_parameters",),
    "tool": ("gen_ai.tool.name", "tool.name"),
    "error": ("error.type", "exception.type"),
    "response_id": ("gen_ai.response.id",),
    "entry_ids": ("kaizen.entry_ids",),
    # what was asked and answered
    "input": ("gen_ai.input.messages", "gen_ai.prompt", "llm.input_messages", "input.value"),
    "output": ("gen_ai.output.messages", "gen_ai.completion", "llm.output_messages", "output.value"),
    # what to break down by
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
    "agent": ("gen_ai.agent.name",),
    "input_tokens": ("gen_ai.usage.input_tokens", "llm.token_count.prompt"),
    "output_tokens": ("gen_ai.usage.output_tokens", "llm.token_count.completion"),
    "finish_reason": ("gen_ai.response.finish_reasons", "llm.finish_reason"),
    "service": ("service.name",),
    # a score, as an event or a log record
    "score_name": ("gen_ai.evaluation.name",),
    "score_value": ("gen_ai.evaluation.score.value",),
    "score_label": ("gen_ai.evaluation.score.label",),
}
"""What Kaizen calls it → the attributes that say it, the best first."""

BREAKDOWNS = ("provider", "agent", "input_tokens", "output_tokens", "finish_reason", "service")

MODEL_CALLS = frozenset({"chat", "text_completion", "generate_content", "llm"})
"""Kinds of spans, in lower case, that call a model and so have texts if they are recorded."""

STEPS = frozenset(
    {"embeddings", "execute_tool", "retrieval", "create_agent"}
    | {"tool", "retriever", "embedding", "reranker", "guardrail", "evaluator", "prompt"}
)
"""Kinds of spans that are steps on the way to an answer."""

DETAILS = "gen_ai.client.inference.operation.details"
"""The event that carries a call's texts where its span does not."""

CONTENTS = frozenset({DETAILS, "gen_ai.content.prompt", "gen_ai.content.completion"})
"""Events whose attributes are a call's texts; the older conventions have one for each side of it."""

MESSAGES: Mapping[str, str] = {
    **{f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")},
    "gen_ai.choice": "choice",
}
"""Events of the older conventions that are a message each, as events of a span or log records → who speaks."""

EVALUATION = "gen_ai.evaluation.result"
EXCEPTION = "exception"

_INTEGER = re.compile("-?[0-9]{1,19}")
_INDEX = re.compile("[0-9]{1,9}")
_MAX_NESTING = 8
_WRAPPERS = frozenset({"message", "message_content", "tool_call", "annotation", "evaluation", "document"})


def attributes(listed: Any) -> dict[str, Any]:
    """The attributes of a span, event, log record or resource, by name."""
    return {item["key"]: value_of(item.get("value")) for item in objects(listed) if isinstance(item.get("key"), str)}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a list; nothing for what is no list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def value_of(value: Any) -> Any:
    """What an OTLP `AnyValue` holds; None for bytes, and for what is none."""
    if not isinstance(value, Mapping) or not value:
        return None
    kind, held = next(iter(value.items()))
    if kind in ("stringValue", "boolValue", "doubleValue"):
        return held if isinstance(held, str | bool | int | float) else None
    if kind == "intValue":
        return int(held) if isinstance(held, str | int) and _INTEGER.fullmatch(str(held)) else None
    inner = held.get("values") if isinstance(held, Mapping) else None
    if kind == "arrayValue":
        return [value_of(item) for item in objects(inner)]
    return attributes(inner) if kind == "kvlistValue" else None


def find(given: Mapping[str, Any], meaning: str) -> Any:
    """The value of the first attribute with a meaning of the table; None where there is none."""
    found = (given.get(name) for name in NAMES[meaning])
    return next((value for value in found if value is not None and value != ""), None)


def find_all(given: Mapping[str, Any], meaning: str) -> Iterator[Any]:
    """All values of a meaning, flattened lists put together, the best first."""
    for name in NAMES[meaning]:
        if (value := given.get(name)) is not None:
            yield value
        elif listed := unflattened(given, name):
            yield listed


def unflattened(given: Mapping[str, Any], name: str) -> list[Any]:
    """The list that stands flattened under `NAME.0.…`, `NAME.1.…`, in the order of its indexes."""
    prefix = f"{name}."
    tree: dict[str, Any] = {}
    for key, value in given.items():
        if key.startswith(prefix):
            _plant(tree, key.removeprefix(prefix).split(".", _MAX_NESTING), value)
    grown = _grown(tree)
    return grown if isinstance(grown, list) else []


def _plant(tree: dict[str, Any], path: Iterable[str], value: Any) -> None:
    *above, last = path
    for name in above:
        inner = tree.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    tree.setdefault(last, value)


def _grown(tree: Any) -> Any:
    """Objects whose names are all indexes become lists; an object around one object is taken off."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(map(_INDEX.fullmatch, tree)):
        return [_grown(tree[name]) for name in sorted(tree, key=int)]
    grown = {name: _grown(value) for name, value in tree.items()}
    wrapped = [value for name, value in grown.items() if name in _WRAPPERS and isinstance(value, dict)]
    return wrapped[0] if len(grown) == 1 and wrapped else grown
