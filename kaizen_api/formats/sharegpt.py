"""ShareGPT: `{"id"?, "conversations": [{"from": "system" | "human" | "gpt", "value"}, …]}`, mostly one JSON array."""

from kaizen_api.formats.chats import Chat
from kaizen_api.formats.contract import Format

_CHAT = Chat(messages="conversations", sessions=("id", "session_id", "conversation_id"), role="from", content="value")

FORMAT = Format(
    name="sharegpt",
    looks_like="JSON objects with `conversations` of from and value",
    claims=lambda sample: sample.has(_CHAT.holds),
    parse=_CHAT.parser(),
)
