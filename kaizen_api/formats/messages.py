"""Messages of a chat, in the many shapes that applications and model providers write them.

A message has a role, and a text that may be in parts; parts that are no text (images, tool calls) give none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from kaizen_api.errors import Invalid

Role = Literal["user", "assistant", "tool", "system"]

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("user", "human", "prompter", "customer"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "ai", "bot", "bing", "bard", "claude"), "assistant"),
    **dict.fromkeys(("tool", "function", "observation", "function_call"), "tool"),
    **dict.fromkeys(("system", "developer"), "system"),
}
_TEXT_PARTS = ("text", "input_text", "output_text", None)
_TOOL_PARTS = ("tool_call", "tool_use", "function_call")
_ASKED = ("query", "question", "input", "prompt", "text", "message", "user_input", "content", "task", "request")
_ANSWERED = ("response", "answer", "output", "text", "completion", "message", "content", "result")
_LISTS = ("messages", "contents", "msgs")
_MAX_WRAPPED = 2
_MAX_SHELLS = 6
"""How many objects, arrays and JSON strings are looked into for a text."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: who speaks, its text (may be empty), and the first tool that it calls."""

    role: Role
    text: str
    tool: str | None = None


def message(fields: Any, *, role: str = "role", content: str = "content") -> Message:
    """A message from its object.

    Args:
        fields: The object.
        role: Name of the field that says who speaks.
        content: Name of the field with the text or its parts.

    Raises:
        Invalid: no object, no known role, or a content that is neither text nor parts.
    """
    if not isinstance(fields, Mapping):
        raise Invalid("a message is no object: give each a role and a content")
    speaker = fields.get(role)
    known = _ROLES.get(speaker.lower()) if isinstance(speaker, str) else None
    if known is None:
        raise Invalid(f"a message has no known `{role}`: it is one of {', '.join(_ROLES)}")
    body = fields.get(content, fields.get("parts"))
    if body is not None and not isinstance(body, str | list | Mapping):
        raise Invalid(f"`{content}` of a message is neither text nor a list of parts")
    return Message(known, text_of(body), tool_of(fields))


def text_of(content: Any) -> str:
    """The text of a content: itself, or that of its parts on lines of their own."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return _part_text(content)
    parts = content if isinstance(content, list) else ()
    texts = (part if isinstance(part, str) else _part_text(part) for part in parts)
    return "\n".join(text for text in texts if text)


def _part_text(part: Any) -> str:
    if not isinstance(part, Mapping) or part.get("type") not in _TEXT_PARTS:
        return ""
    found = (part.get(name) for name in ("text", "content", "value"))
    return next((text for text in found if isinstance(text, str)), "")


def tool_of(fields: Mapping[str, Any]) -> str | None:
    """The name of the first tool that a message calls."""
    for call in _calls(fields):
        function = call.get("function")
        name = function.get("name") if isinstance(function, Mapping) else call.get("name")
        if isinstance(name, str) and name:
            return name
    return None


def _calls(fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    calls = fields.get("tool_calls")
    parts = [part for name in ("content", "parts") for part in _items(fields.get(name))]
    typed = (part for part in parts if isinstance(part, Mapping) and part.get("type") in _TOOL_PARTS)
    for call in (*_items(calls), fields.get("function_call"), *typed):
        if isinstance(call, Mapping):
            yield call


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def asked(value: Any) -> str:
    """What was asked, from whatever an instrumented call took as its input: the last message of a user, or a text."""
    return _dig(value, "user", _ASKED, _MAX_SHELLS)


def answered(value: Any) -> str:
    """What was answered, from whatever an instrumented call gave as its output."""
    return _dig(value, "assistant", _ANSWERED, _MAX_SHELLS)


def called(value: Any) -> str | None:
    """The first tool that an output calls; then the output is no answer yet."""
    opened = _opened(value)
    return next((tool for item in _spoken(opened) if (tool := tool_of(item))), None)


def used(value: Any) -> str | None:
    """The first tool that was called since the user last spoke, from the messages that a call took as its input."""
    spoken = [item for item in _items(_opened(value)) if isinstance(item, Mapping)]
    last = max((index for index, item in enumerate(spoken) if _role(item) == "user"), default=len(spoken))
    return next((tool for item in spoken[last + 1 :] if (tool := tool_of(item))), None)


def _spoken(value: Any) -> Iterator[Mapping[str, Any]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, Mapping):
            yield item
            choices = (choice.get("message") for choice in _items(item.get("choices")) if isinstance(choice, Mapping))
            yield from (choice for choice in choices if isinstance(choice, Mapping))


def _opened(value: Any) -> Any:
    """What a JSON string holds, wrapped twice at most; everything else as it is."""
    for _ in range(_MAX_WRAPPED):
        if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')):
            break
        try:
            value = msgspec.json.decode(value)
        except (ValueError, RecursionError):
            break
    return value


def _dig(value: Any, role: Role, names: Iterable[str], shells: int) -> str:
    value = _opened(value)
    if isinstance(value, str):
        return value.strip()
    if shells == 0 or not isinstance(value, Mapping | list):
        return ""
    if isinstance(value, Mapping):
        return _dig_object(value, role, names, shells - 1)
    spoken = [item for item in value if isinstance(item, Mapping) and _role(item) is not None]
    if spoken:
        return next((text for item in reversed(spoken) if _role(item) == role and (text := text_of_message(item))), "")
    if all(isinstance(item, Mapping) and "type" in item for item in value):
        return text_of(value)
    return next((text for item in value if (text := _dig(item, role, names, shells - 1))), "")


def _role(fields: Mapping[str, Any]) -> Role | None:
    speaker = fields.get("role", fields.get("from"))
    return _ROLES.get(speaker.lower()) if isinstance(speaker, str) else None


def text_of_message(fields: Mapping[str, Any]) -> str:
    """The text of a message, whichever field it stands in."""
    found = (text_of(fields.get(name)) for name in ("content", "contents", "parts", "value", "text"))
    return next((text for text in found if text.strip()), "")


def _dig_object(value: Mapping[str, Any], role: Role, names: Iterable[str], shells: int) -> str:
    speaker = _role(value)
    if speaker is not None:
        return text_of_message(value) if speaker == role else ""
    order = (*_LISTS, *names, "choices", "args", "kwargs")
    for name in order:
        if value.get(name) and (text := _dig(value[name], role, names, shells)):
            return text
    only = [item for item in value.values() if isinstance(item, str)]
    return only[0].strip() if len(only) == 1 and len(value) == 1 else ""
