"""A question to a chat endpoint ends in time, whatever the endpoint does, and nobody hears of the key."""

import pytest

from kaizen_api.errors import Unavailable
from kaizen_worker.chat import LONGEST_ANSWER, PAUSE, Chat, configured
from kaizen_worker.checks import check_engine

MESSAGES = [{"role": "user", "content": "Wie heißt das?"}]


@pytest.fixture
def chat(endpoint):
    return Chat(endpoint.url, model="small", key="k3y-of-mine")


def test_it_asks_as_every_compatible_endpoint_expects(chat, endpoint):
    endpoint.behave = lambda handler: handler.answer("Karten · 卡")
    assert chat.ask(MESSAGES, seconds=10) == "Karten · 卡"
    path, headers, body = endpoint.asked[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer k3y-of-mine"
    assert body == {"model": "small", "messages": MESSAGES}


def test_without_a_key_none_is_sent(endpoint):
    Chat(endpoint.url + "/", model="small", key=None).ask(MESSAGES, seconds=10)
    path, headers, _ = endpoint.asked[0]
    assert (path, headers.get("Authorization")) == ("/v1/chat/completions", None)


BAD = {
    "garbage": lambda handler: handler.reply(200, b"<html>"),
    "no bytes": lambda handler: handler.reply(200),
    "another document": lambda handler: handler.reply(200, b'{"choices": []}'),
    "no text": lambda handler: handler.reply(200, b'{"choices": [{"message": {"content": null}}]}'),
    "broken text": lambda handler: handler.reply(200, b'{"choices": [{"message": {"content": "\xff"}}]}'),
    "deeply nested": lambda handler: handler.reply(200, b'{"more": ' + b"[" * 50_000),
    "no http": lambda handler: handler.wfile.write(b"SSH-2.0\r\n\r\n"),
    "hung up": lambda handler: handler.wfile.flush(),
    "error": lambda handler: handler.reply(500, b"k3y-of-mine"),
    "wrong key": lambda handler: handler.reply(401),
    "drip": lambda handler: handler.drip(),
    "flood": lambda handler: handler.flood(),
    "too long": lambda handler: handler.answer("x" * LONGEST_ANSWER),
}


@pytest.mark.parametrize("kind", BAD)
def test_whatever_is_no_answer_is_unavailable_and_soon(kind, chat, endpoint):
    endpoint.behave = BAD[kind]
    with pytest.raises(Unavailable) as error:
        chat.ask(MESSAGES, seconds=0.5)
    assert len(endpoint.asked) == 1
    assert "k3y" not in str(error.value)
    assert "k3y" not in repr(error.value.__context__)


def test_a_redirection_is_not_followed(chat, endpoint):
    endpoint.behave = lambda handler: handler.reply(307, Location=endpoint.url)
    with pytest.raises(Unavailable, match="307"):
        chat.ask(MESSAGES, seconds=5)
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("asked", "seconds"), [("120", 120.0), ("", PAUSE), ("Wed, 21 Oct 2026 07:28:00 GMT", PAUSE), ("٣", PAUSE)]
)
def test_it_says_how_long_it_wants_to_be_left_alone(asked, seconds, chat, endpoint):
    endpoint.behave = lambda handler: handler.reply(429, Retry_After=asked.encode().decode("latin-1"))
    with pytest.raises(Unavailable) as error:
        chat.ask(MESSAGES, seconds=5)
    assert error.value.retry_after == seconds


def test_nobody_there_is_unavailable(endpoint):
    endpoint.server_close()
    with pytest.raises(Unavailable):
        Chat(endpoint.url, model="small", key=None).ask(MESSAGES, seconds=1)


def test_it_is_off_unless_the_settings_name_it(config, endpoint):
    assert configured(config) is None
    on = config.model_copy(update={"naming_url": endpoint.url, "naming_model": "small"})
    assert configured(on).ask(MESSAGES, seconds=5) == "A name"


def naming(config):
    return next(check for check in check_engine(config) if check.name == "naming")


def test_the_doctor_says_whether_it_is_on_and_answers(config, endpoint):
    assert naming(config).ok
    assert "no language model" in naming(config).detail
    on = config.model_copy(update={"naming_url": endpoint.url, "naming_model": "small"})
    assert (naming(on).ok, naming(on).detail) == (True, f"small at {endpoint.url} answers")
    endpoint.behave = lambda handler: handler.reply(401)
    assert not naming(on).ok
    assert "401" in naming(on).detail
    assert "KAIZEN_NAMING_KEY" in naming(on).remedy
