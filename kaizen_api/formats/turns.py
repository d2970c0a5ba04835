"""Turns of a conversation: each message of a user with the answers up to the user's next one is an interaction.

All turns of a conversation share its session, and keep their order: a turn without a time of its own comes one
microsecond after the one before it, and where nothing has a time, the ids sort as the turns do.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from kaizen_api.errors import Invalid
from kaizen_api.formats.messages import Message
from kaizen_api.formats.moments import later
from kaizen_api.formats.records import Converted, breakdowns, made
from kaizen_api.masking import mask

OF_LAST = frozenset({"feedback", "accepted", "error", "response_time", "consciousness_level", "critics", "entry_ids"})
"""Fields of an interaction that, given for a whole conversation, speak about how it ended."""

OF_EACH = frozenset({"user_id", "model"})
"""Fields of an interaction that, given for a whole conversation, hold for each turn."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question with its answer.

    Attributes:
        query: What the user said.
        first: Index of the user's message in the conversation.
        last: Index of the last message of the turn.
        response: What the assistant said before the user's next message, in paragraphs; empty for nothing.
        tool: The first tool that the assistant called.
    """

    query: str
    first: int
    last: int
    response: str = ""
    tool: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation as its record tells it.

    Attributes:
        messages: In order.
        session: Its id; without one, the hash of its masked turns stands in.
        at: When it took place, for messages without a time of their own.
        times: Index of a message → its time.
        fields: What else the record says: `OF_EACH` for every turn, `OF_LAST` for the last one, the rest is metadata.
    """

    messages: Sequence[Message]
    session: str | None = None
    at: datetime | None = None
    times: Mapping[int, datetime] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)


def turns(messages: Sequence[Message]) -> list[Turn]:
    """The turns of a conversation; what is said before the user speaks belongs to none."""
    found: list[Turn] = []
    for index, message in enumerate(messages):
        if message.role == "user":
            found.append(Turn(message.text, index, index))
        elif found and message.role in ("assistant", "tool"):
            found[-1] = _continued(found[-1], message, index)
    return found


def _continued(turn: Turn, message: Message, index: int) -> Turn:
    said = message.text.strip() if message.role == "assistant" else ""
    response = f"{turn.response}\n\n{said}".strip() if said else turn.response
    return replace(turn, response=response, tool=turn.tool or message.tool, last=index)


def interactions(conversation: Conversation) -> Iterator[Converted]:
    """The interactions of a conversation, in order; an error as a value for a turn that is none.

    Raises:
        Invalid: no user speaks in it.
    """
    found = turns(conversation.messages)
    if not found:
        raise Invalid("no message of a user: a conversation needs one with the role `user`")
    masked = [(mask(turn.query), mask(turn.response)) for turn in found]
    session = conversation.session or "s" + digest(*(text for pair in masked for text in pair))
    at: datetime | None = None
    for index, turn in enumerate(found):
        at = _time(conversation, turn, at)
        ending = OF_LAST if index == len(found) - 1 else frozenset()
        fields = {
            **_fields(conversation.fields, OF_EACH | ending),
            "id": turn_id(session, index, *masked[index], str(at or "")),
            "session_id": session,
            "query": turn.query,
            "response": turn.response or None,
            "tool": turn.tool,
            "occurred_at": at,
        }
        yield _made(fields, turn)


def _made(fields: Mapping[str, Any], turn: Turn) -> Converted:
    try:
        return made(fields)
    except Invalid as error:
        return Invalid(f"message {turn.first}: {error}")


def _fields(fields: Mapping[str, Any], wanted: frozenset[str]) -> dict[str, Any]:
    said = fields.get("metadata")
    flat = {**said, **fields} if isinstance(said, Mapping) else fields
    rest = breakdowns({name: value for name, value in flat.items() if name not in OF_EACH | OF_LAST})
    return {**{name: fields[name] for name in wanted & fields.keys()}, "metadata": rest or None}


def _time(conversation: Conversation, turn: Turn, previous: datetime | None) -> datetime | None:
    """The time of the turn's last message that has one, never at or before the turn before."""
    indexes = range(turn.last, turn.first - 1, -1)
    own = next((conversation.times[index] for index in indexes if index in conversation.times), None)
    if previous and (own is None or own <= previous):
        return later(previous, 1)
    return own or conversation.at


def turn_id(session: str, index: int, *content: str) -> str:
    """The id of a turn: the same for the same turn of the same session, and sorted as turns are."""
    return f"{digest(session)}.{index:04d}.{digest(*content)}"


def digest(*texts: str) -> str:
    """A short hash of masked texts, or of ids."""
    lengths = ",".join(str(len(text)) for text in texts)
    return hashlib.blake2b("\0".join((lengths, *texts)).encode(), digest_size=12).hexdigest()
