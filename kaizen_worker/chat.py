"""One question to an OpenAI-compatible chat endpoint, bounded in time and size, the key told to nobody else.

Redirections are not followed, for the key would go along; what comes back is somebody else's text.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Unavailable
from kaizen_worker.posting import Reply, post

LONGEST_ANSWER = 65_536
"""Bytes of an answer beyond which it is none."""

PAUSE = 60.0
"""Seconds to wait where the endpoint asks to be left alone without saying how long."""


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct):
    choices: list[_Choice]


class Chat:
    """An endpoint with its model. Nothing connects before it is asked.

    Args:
        url: Up to what stands before `/chat/completions`.
        model: As the endpoint names it.
        key: Sent as a bearer token; None: none is.
    """

    def __init__(self, url: str, *, model: str, key: str | None) -> None:
        self.model = model
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._headers = {"Accept": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})

    def ask(self, messages: Sequence[Mapping[str, str]], *, seconds: float) -> str:
        """The text of the answer.

        Args:
            messages: `role` and `content` of each.
            seconds: Until the answer has to be there as a whole, from when the host is known.

        Raises:
            Unavailable: there is none; `retry_after` as the endpoint asked.
        """
        question = json.dumps({"model": self.model, "messages": [dict(message) for message in messages]})
        return _text(post(self._url, question.encode(), headers=self._headers, seconds=seconds, most=LONGEST_ANSWER))


def configured(config: KaizenConfig) -> Chat | None:
    """The endpoint that names topics, if the settings name one."""
    if config.naming_url is None or config.naming_model is None:
        return None
    key = config.naming_key.get_secret_value() if config.naming_key is not None else None
    return Chat(config.naming_url, model=config.naming_model, key=key)


def _text(reply: Reply) -> str:
    if reply.status != HTTPStatus.OK:
        raise Unavailable(f"it answered {reply.status}", retry_after=_pause(reply))
    try:
        return msgspec.json.decode(reply.body, type=_Answer).choices[0].message.content
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError):
        raise Unavailable("the answer is no chat completion") from None


def _pause(reply: Reply) -> float:
    """Seconds to leave it alone."""
    busy = reply.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    return reply.retry_after or (PAUSE if busy else 1.0)
