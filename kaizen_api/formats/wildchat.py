"""WildChat-1M: `conversation_hash, model, timestamp, conversation [{role, content, timestamp, hashed_ip, …}], …`.

An answer has its own time, and the user is the hashed address of the first message. Moderation scores and request
headers are not read.
"""

from kaizen_api.formats.chats import Chat
from kaizen_api.formats.contract import Format

_CHAT = Chat(messages="conversation", sessions=("conversation_hash",))

FORMAT = Format(
    name="wildchat",
    looks_like="JSON objects with `conversation_hash` and `conversation`",
    claims=lambda sample: sample.has(lambda record: _CHAT.holds(record) and "conversation_hash" in record),
    parse=_CHAT.parser(),
)
