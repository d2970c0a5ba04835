"""Knowledge for the assistant: what the API has, from threads and coroutines, and never later than was asked for."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
import time

import pytest
import uvicorn

from kaizen_api import AsyncProducer, Interaction, KaizenConfig, Producer
from kaizen_api.errors import Invalid, Unavailable
from kaizen_api.http import create_app
from kaizen_api.knowledge import Hit, Knowledge
from kaizen_api.producer.knowledge import MOST_ASKED
from kaizen_api.schema import Provenance

KEY = "a-long-random-key"
HIT = Hit(
    id="e1",
    title="PIN",
    text="Reset it in the app.",
    score=0.5,
    provenance=Provenance(source="import", retrieved_at=1_700_000_000_000_001, content_hash="00", gap="g1"),
)
BOUND = 5.0
"""Seconds beyond which the machine cannot have been busy: the calls below may take .3."""


class OneEntry:
    """An engine that knows one entry, remembers what it was asked, and fails if told to."""

    def __init__(self):
        self.asked, self.failure = [], None

    def knowledge(self, tenant, query, *, session_id, limit):
        if self.failure is not None:
            raise self.failure
        self.asked.append((tenant, query, session_id, limit))
        return [HIT]

    def guidance(self, tenant, query):
        del query
        return [f"be kind to {tenant}"]


@pytest.fixture
def engine():
    return OneEntry()


@pytest.fixture
def serving(engine):
    """Serves an application for some settings on a port of its own; a block."""

    @contextlib.contextmanager
    def serve(config):
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            server = uvicorn.Server(uvicorn.Config(create_app(config, engine), log_level="error"))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                server.should_exit = True
                thread.join()

    return serve


def ask(config, query, **how):
    """The same question of both producers."""

    async def asked():
        async with AsyncProducer(config) as kaizen:
            return await kaizen.knowledge(query, **how)

    with Producer(config) as kaizen:
        answers = kaizen.knowledge(query, **how), asyncio.run(asked())
    assert answers[0] == answers[1]
    return answers[0]


def refused(config, query="x", **how):
    """What both producers raise, and the seconds that the slower one took."""

    async def asked():
        async with AsyncProducer(config) as kaizen:
            await kaizen.knowledge(query, **how)

    errors, slowest = [], 0.0
    with Producer(config) as kaizen:
        for call in (lambda: kaizen.knowledge(query, **how), lambda: asyncio.run(asked())):
            started = time.monotonic()
            with pytest.raises((Invalid, Unavailable)) as told:
                call()
            errors.append(told.value)
            slowest = max(slowest, time.monotonic() - started)
    assert type(errors[0]) is type(errors[1])
    return errors[0], slowest


def test_the_assistant_gets_what_the_api_answers(config, serving, engine):
    with serving(config) as url:
        told = KaizenConfig(**{**config.to_legacy_dict(), "api_url": url})
        found = ask(told, "réset & PIN?", session_id="s/1", limit=3)
    assert found == Knowledge(entries=[HIT], guidance=["be kind to default"])
    assert found.entry_ids == ["e1"]
    assert engine.asked == [("default", "réset & PIN?", "s/1", 3)] * 2


def test_without_an_address_it_asks_where_the_api_of_these_settings_listens(config, serving, engine):
    with serving(config) as url:
        ask(KaizenConfig(**{**config.to_legacy_dict(), "api_port": int(url.rpartition(":")[2])}), "x")
    assert [(session, limit) for _, _, session, limit in engine.asked] == [(None, 5)] * 2


def test_an_address_may_have_a_path_and_a_key_opens_its_tenant(config, serving):
    keyed = {**config.to_legacy_dict(), "api_keys": {"acme": KEY}, "tenant": "acme"}
    with serving(KaizenConfig(**keyed)) as url:
        assert ask(KaizenConfig(**{**keyed, "api_url": f"{url}/"}), "x").guidance == ["be kind to acme"]
        plain = {**config.to_legacy_dict(), "tenant": "acme", "api_url": url}
        assert ask(KaizenConfig(**{**plain, "api_key": KEY}), "x").guidance == ["be kind to acme"]
        for settings in (plain, {**plain, "api_key": "another"}):
            error, _ = refused(KaizenConfig(**settings))
            assert isinstance(error, Invalid)
            assert "key" in str(error)
        wrong, _ = refused(KaizenConfig(**{**plain, "tenant": "globex", "api_key": KEY}))
        assert isinstance(wrong, Invalid)
        lost, _ = refused(KaizenConfig(**{**plain, "api_url": f"{url}/elsewhere"}))
        assert isinstance(lost, Invalid)


def test_long_and_broken_questions_are_asked_all_the_same(config, serving, engine):
    with serving(config) as url:
        told = KaizenConfig(**{**config.to_legacy_dict(), "api_url": url})
        ask(told, "\U0001f600" * 40_000)
        ask(told, "half a sign \ud83d")
        for query in ("", " \n"):
            assert isinstance(refused(told, query)[0], Invalid)
        assert isinstance(refused(told, limit=51)[0], Invalid)
    assert {query for _, query, _, _ in engine.asked} == {"\U0001f600" * MOST_ASKED, "half a sign ?"}


def test_what_the_api_cannot_do_now_may_be_asked_again(config, serving, engine):
    engine.failure = Unavailable("Redis does not answer", retry_after=7)
    with serving(config) as url:
        error, _ = refused(KaizenConfig(**{**config.to_legacy_dict(), "api_url": url}))
    assert isinstance(error, Unavailable)
    assert "Redis does not answer" in str(error)
    assert error.retry_after == 7


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENTRY = {"id": "e", "title": "", "text": "t", "score": 0.1, "provenance": {"source": "s", "content_hash": "0"}}
PECULIAR = {
    "hangs": (b"", b""),
    "drips its head": (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "drips its body": (HEAD + b"\r\n", b" "),
    "never ends": (HEAD + b"\r\n", b" " * 1_000_000),
    "hangs up": (HEAD + b"Content-Length: 99\r\n\r\n{", None),
    "speaks otherwise": (b"SSH-2.0-nonsense\r\n", None),
    "answers with no JSON": (HEAD + b"\r\n<html>", None),
    "answers with nothing": (HEAD + b"Content-Length: 0\r\n\r\n", None),
    "answers with a list": (HEAD + b"\r\n[1]", None),
    "answers with other fields": (HEAD + b'\r\n{"entries": [{"provenance": null}], "guidance": []}', None),
    "leaves a time out": (HEAD + b"\r\n" + json.dumps({"entries": [ENTRY], "guidance": []}).encode(), None),
    "redirects": (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", None),
}


@pytest.fixture
def peculiar(request):
    """A server that sends some bytes, and then others for ever or hangs up."""
    first, further = PECULIAR[request.param]
    over = threading.Event()

    def answer(taken):
        with taken, contextlib.suppress(OSError):
            taken.recv(65536)
            taken.sendall(first)
            while further is not None and not over.wait(0.05):
                taken.sendall(further)

    def serve(listening):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        over.set()
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("peculiar", PECULIAR, indirect=True)
def test_whatever_answers_there_it_is_over_in_time(config, peculiar, wait_until):
    told = KaizenConfig(**{**config.to_legacy_dict(), "api_url": peculiar})
    error, seconds = refused(told, seconds=0.3)
    assert isinstance(error, Unavailable)
    assert seconds < BOUND
    wait_until(lambda: not any(each.name == "kaizen-knowledge" for each in threading.enumerate()))


def test_where_nobody_listens_it_says_so_at_once(config):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    error, seconds = refused(KaizenConfig(**{**config.to_legacy_dict(), "api_port": port}), seconds=60)
    assert isinstance(error, Unavailable)
    assert "KAIZEN_API_URL" in str(error)
    assert seconds < BOUND


def test_a_cancelled_question_leaves_nothing_behind(config, wait_until):
    async def cancelled(url):
        async with AsyncProducer(KaizenConfig(**{**config.to_legacy_dict(), "api_url": url})) as kaizen:
            asking = asyncio.create_task(kaizen.knowledge("x", seconds=60))
            await asyncio.to_thread(wait_until, lambda: held)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    held = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=lambda: held.append(listening.accept()[0]), daemon=True).start()
        asyncio.run(cancelled(f"http://127.0.0.1:{listening.getsockname()[1]}"))
        wait_until(lambda: not any(each.name == "kaizen-knowledge" for each in threading.enumerate()))
    held[0].close()


def test_asking_loads_nothing_of_the_engine():
    script = """
import sys
from kaizen_api import KaizenConfig, Producer
from kaizen_api.errors import Unavailable
producer = Producer(KaizenConfig(redis_url="redis://127.0.0.1:1/0", user_key="k", api_url="http://127.0.0.1:1"))
try:
    producer.knowledge("x")
except Unavailable:
    heavy = {"numpy", "onnxruntime", "tantivy", "httpx", "celery", "fastapi", "kaizen_worker"}
    print(sorted(heavy & set(sys.modules)))
"""
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == "[]"


def test_what_was_given_can_be_named_with_the_interaction(config, serving):
    with serving(config) as url, Producer(KaizenConfig(**{**config.to_legacy_dict(), "api_url": url})) as kaizen:
        given = kaizen.knowledge("reset my PIN", session_id="s1")
        taken = kaizen.append([Interaction(query="reset my PIN", session_id="s1", entry_ids=given.entry_ids)])
    assert taken.accepted == 1
