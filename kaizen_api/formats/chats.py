"""What the chat formats share: a record with a list of messages is one conversation."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from kaizen_api.errors import Invalid
from kaizen_api.formats.contract import Parse
from kaizen_api.formats.messages import message
from kaizen_api.formats.moments import moment
from kaizen_api.formats.records import Converted, by_record, named
from kaizen_api.formats.turns import Conversation, interactions

T = TypeVar("T")

_TIMES = ("timestamp", "occurred_at", "created_at", "created", "create_time")
_USERS = ("user_id", "user", "hashed_ip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """The field names of one chat format.

    Attributes:
        messages: The list of messages.
        sessions: The conversation's id, the best name first.
        role: In a message: who speaks.
        content: In a message: the text or its parts.
    """

    messages: str
    sessions: tuple[str, ...]
    role: str = "role"
    content: str = "content"

    def parser(self) -> Parse:
        """The parser of that format."""
        return by_record(self._convert)

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether a record has a list where this format has its messages."""
        return isinstance(record.get(self.messages), list)

    def _convert(self, record: Mapping[str, Any]) -> Iterator[Converted]:
        listed = record.get(self.messages)
        if not isinstance(listed, list) or not listed:
            raise Invalid(f"`{self.messages}` is missing or empty: it lists the messages of a conversation")
        known = {self.messages, *self.sessions, *_TIMES, *_USERS}
        fields = {name: value for name, value in record.items() if name not in known}
        conversation = Conversation(
            messages=_each(listed, lambda fields: message(fields, role=self.role, content=self.content)),
            session=_first(record, self.sessions),
            at=_time(record),
            times={index: at for index, at in enumerate(_each(listed, _time)) if at},
            fields={**fields, "user_id": _first(record, _USERS) or _first(_opening(listed), _USERS)},
        )
        yield from interactions(conversation)


def _each(listed: list[Any], convert: Callable[[Any], T]) -> list[T]:
    converted = []
    for index, item in enumerate(listed):
        try:
            converted.append(convert(item))
        except Invalid as error:
            raise Invalid(f"message {index}: {error}") from None
    return converted


def _opening(listed: list[Any]) -> Mapping[str, Any]:
    """The first message, which tells in some formats who the user is."""
    return next((item for item in listed if isinstance(item, Mapping)), {})


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these fields that names something."""
    return next((value for name in names if (value := named(fields.get(name)))), None)


def _time(fields: Any) -> datetime | None:
    found = ((fields.get(name), name) for name in _TIMES) if isinstance(fields, Mapping) else ()
    return next((at for value, name in found if (at := moment(value, name))), None)
