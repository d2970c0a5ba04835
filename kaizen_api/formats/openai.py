"""OpenAI chat JSONL: `{"messages": [{"role", "content", "tool_calls"?}, …]}`, a conversation on each line."""

from kaizen_api.formats.chats import Chat
from kaizen_api.formats.contract import Format

_CHAT = Chat(messages="messages", sessions=("session_id", "conversation_id", "thread_id", "id"))

FORMAT = Format(
    name="openai",
    looks_like="JSON objects with `messages` of role and content",
    claims=lambda sample: sample.has(_CHAT.holds),
    parse=_CHAT.parser(),
)
