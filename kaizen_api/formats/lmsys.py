"""LMSYS-Chat-1M: `conversation_id, model, conversation [{role, content}], turn, language, …` on each line.

It has no times. Moderation scores are not read.
"""

from kaizen_api.formats.chats import Chat
from kaizen_api.formats.contract import Format

_CHAT = Chat(messages="conversation", sessions=("conversation_id",))

FORMAT = Format(
    name="lmsys",
    looks_like="JSON objects with `conversation_id` and `conversation`",
    claims=lambda sample: sample.has(lambda record: _CHAT.holds(record) and "conversation_hash" not in record),
    parse=_CHAT.parser(),
)
