"""The assistant's side: it looks knowledge up over HTTP as any assistant would, and its log is pushed as any log is."""

import http.client
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import msgspec

from kaizen_api.errors import Unavailable
from kaizen_api.producer import Producer
from kaizen_worker.simulate import Found, Played, Scenario, perform

_READ = 3
_BATCH = 100


class _Answer(msgspec.Struct):
    """What the route /v1/knowledge answers, as far as the assistant needs it."""

    entries: list[Found]


class Reader:
    """Looks knowledge up at a running API, over one connection.

    Args:
        api: Its URL.
    """

    def __init__(self, api: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(api).netloc, timeout=30)
        self._decoder = msgspec.json.Decoder(_Answer)

    def __call__(self, query: str, session: str) -> list[Found]:
        """What is known about a question in a conversation.

        Raises:
            Unavailable: the API does not answer as it should.
        """
        parameters = urlencode({"q": query, "session_id": session, "limit": _READ})
        self._connection.request("GET", f"/v1/knowledge?{parameters}")
        response = self._connection.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            raise Unavailable(f"the API answered {response.status} to a question: {body[:200]!r}")
        return self._decoder.decode(body).entries

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def converse(scenario: Scenario, *, api: str, producer: Producer, said: Callable[[int], None]) -> list[Played]:
    """Let the users talk with the assistant, its log pushed as it goes.

    Args:
        scenario: Who asks what.
        api: Where the assistant looks knowledge up.
        producer: Where its log goes.
        said: Told the number of turns so far.
    """
    reader = Reader(api)
    talk: list[Played] = []
    pushed = 0
    for played in perform(scenario, reader):
        talk.append(played)
        if len(talk) - pushed >= _BATCH:
            producer.append(one.interaction for one in talk[pushed:])
            pushed = len(talk)
            said(pushed)
    producer.append(one.interaction for one in talk[pushed:])
    reader.close()
    return talk
