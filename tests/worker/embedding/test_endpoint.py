"""An endpoint that is slow, wrong, busy, down: nothing it does is believed unchecked, and nothing waits for ever."""

import json
import logging

import numpy as np
import pytest
from pydantic import SecretStr

from kaizen_api.errors import BreakerOpen, Unavailable
from kaizen_worker import posting
from kaizen_worker.embedding import endpoint as room
from kaizen_worker.embedding.endpoint import BATCH, MAX_CHARACTERS

DIMENSION = 48
KEY = "sk-very-secret-key-0123456789"


def reply(data, status=200, **headers):
    return status, headers, json.dumps(data).encode()


def test_texts_go_in_batches_each_once_and_come_back_in_order(provider, endpoint):
    texts = [f"question {index % 300}" for index in range(700)]
    rows = endpoint(dimensions=DIMENSION).embed(texts)
    np.testing.assert_allclose(rows, provider.units(texts), atol=2**-10)
    assert [len(asked["input"]) for asked in provider.asked] == [BATCH, BATCH, 300 - 2 * BATCH]
    assert {(asked["path"], asked["model"]) for asked in provider.asked} == {("/v1/embeddings", "m")}


def test_no_address_of_mail_leaves_and_no_more_than_is_read(provider, endpoint):
    endpoint().embed(["write to jane.doe@example.org please", "x" * 20_000, "", " \n"])
    sent = provider.texts
    assert "write to [email] please" in sent
    assert max(map(len, sent)) == MAX_CHARACTERS
    assert not any("@" in text or not text.strip() for text in sent)


def test_the_order_is_that_of_the_indexes(provider, endpoint):
    provider.answer = lambda _, items: reply({"data": items[::-1]})
    np.testing.assert_allclose(endpoint().embed(["a", "b"]), provider.units(["a", "b"]), atol=2**-10)


def test_a_length_that_was_asked_for_is_sent_and_needs_no_trial(provider, endpoint):
    asking = endpoint(dimensions=8)
    assert asking.dimension == 8
    assert provider.asked == []
    assert asking.embed(["a"]).shape == (1, 8)
    assert provider.asked[0]["dimensions"] == 8


def test_the_key_is_sent_and_told_to_nobody(provider, endpoint, caplog):
    caplog.set_level(logging.DEBUG)
    keyed = endpoint(key=SecretStr(KEY))
    keyed.embed(["a"])
    provider.answer = lambda *_: reply({"error": {"message": f"bad key {KEY}"}}, status=401)
    with pytest.raises(Unavailable, match="KAIZEN_EMBEDDER_KEY") as refused:
        keyed.embed(["b"])
    assert set(provider.keys) == {f"Bearer {KEY}"}
    assert KEY not in f"{refused.value!r} {caplog.text} {vars(keyed)}"


def edited(change):
    def answer(_, items):
        return reply({"data": change(items) or items})

    return answer


MALFORMED = {
    "too few": edited(lambda data: data[:-1]),
    "too many": edited(lambda data: [*data, data[0]]),
    "one twice": edited(lambda data: [data[0], *data[:-1]]),
    "an index beyond": edited(lambda data: data[-1].update(index=7)),
    "NaN": edited(lambda data: data[0]["embedding"].__setitem__(0, float("nan"))),
    "infinity": edited(lambda data: data[0]["embedding"].__setitem__(0, float("inf"))),
    "beyond float32": edited(lambda data: data[0]["embedding"].__setitem__(0, 1e300)),
    "several lengths": edited(lambda data: data[0]["embedding"].pop()),
    "no numbers": edited(lambda data: [item.update(embedding=[]) for item in data] and data),
    "text for a number": edited(lambda data: data[0]["embedding"].__setitem__(0, "1")),
    "no JSON": lambda *_: (200, {}, b"<html>"),
    "another shape": lambda *_: reply({"error": "busy"}),
    "nothing": lambda *_: (200, {}, b""),
    "deeply nested": lambda *_: (200, {}, b'{"more": ' + b"[" * 50_000),
    "a redirect": lambda *_: (302, {"Location": "http://127.0.0.1:1/"}, b""),
    "half of it": lambda *_: (200, {"Content-Length": "1000"}, b'{"data": ['),
}


@pytest.mark.parametrize("answer", MALFORMED.values(), ids=MALFORMED)
def test_an_answer_that_is_not_one_vector_a_text_is_an_outage(answer, provider, endpoint):
    asking = endpoint(dimensions=DIMENSION, deadline=0.4)
    provider.answer = answer
    with pytest.raises(Unavailable):
        asking.embed(["a", "b", "c"])
    provider.answer = provider.good
    assert asking.embed(["a"]).shape == (1, DIMENSION)


def test_vectors_of_another_length_never_join(provider, endpoint):
    asking = endpoint()
    assert asking.dimension == DIMENSION
    provider.answer = edited(lambda data: [item.update(embedding=[1.0, 2.0]) for item in data] and data)
    with pytest.raises(Unavailable, match="vectors of 2 in place of 48"):
        asking.embed(["a"])


def test_a_hiccup_is_ridden_out(provider, endpoint):
    provider.answer = lambda *asked: provider.good(*asked) if len(provider.asked) > 1 else (503, {}, b"")
    assert endpoint(dimensions=DIMENSION).embed(["a"]).shape == (1, DIMENSION)
    assert len(provider.asked) == 2


def test_a_limit_is_kept_for_as_long_as_it_says(provider, endpoint, breaker):
    provider.answer = lambda *_: (429, {"Retry-After": "120"}, b"")
    for _ in range(5):
        with pytest.raises(Unavailable) as busy:
            endpoint(dimensions=DIMENSION).embed(["a"])
        assert busy.value.retry_after == 120
    assert len(provider.asked) == 5, "within the deadline it cannot be over: it is not asked again"
    assert breaker.state().retry_after > 100


def test_a_limit_that_ends_within_the_deadline_is_waited_for(provider, endpoint):
    provider.answer = lambda *asked: (
        provider.good(*asked) if len(provider.asked) > 1 else (429, {"Retry-After": "0.6"}, b"")
    )
    assert endpoint(dimensions=DIMENSION).embed(["a"]).shape == (1, DIMENSION)


@pytest.mark.parametrize(
    ("told", "least"), [("7", 7), ("soon", 0), ("-3", 0), ("nan", 0), ("Wed, 21 Oct 2099 07:28:00 GMT", 1e9)]
)
def test_a_wait_is_told_in_seconds_or_as_a_date(told, least):
    assert least <= posting.seconds_told(told) < 3e9


def test_failures_in_a_row_open_the_breaker_for_everybody(provider, endpoint):
    provider.answer = lambda *_: (500, {}, b"")
    for _ in range(5):
        with pytest.raises(Unavailable):
            endpoint(dimensions=DIMENSION, deadline=0.4).embed(["a"])
    assert len(provider.asked) == 5
    with pytest.raises(BreakerOpen):
        endpoint(dimensions=DIMENSION).embed(["a"])
    assert len(provider.asked) == 5


def test_a_text_over_which_it_fails_each_time_stops_no_other_and_opens_no_breaker(provider, endpoint):
    def answer(asked, items):
        return (500, {}, b"") if any("poison" in text for text in asked["input"]) else provider.good(asked, items)

    provider.answer = answer
    asking = endpoint(dimensions=DIMENSION, deadline=0.4)
    rows = asking.embed(["a", "b", "poison", "c"])
    np.testing.assert_allclose(rows[[0, 1, 3]], provider.units(["a", "b", "c"]), atol=2**-10)
    assert rows[2].tolist() == [1.0] + [0.0] * (DIMENSION - 1)
    assert asking.embed(["d"]).shape == (1, DIMENSION)


def test_a_server_that_is_not_there_is_an_outage(endpoint):
    with pytest.raises(Unavailable, match="ConnectionRefused"):
        endpoint(url="http://127.0.0.1:1/v1", dimensions=8, deadline=0.4).embed(["a"])


def drip(handler):
    """A byte now and then: no time-out of a socket ends that."""
    while not handler.server.provider.released.wait(0.05):
        handler.wfile.write(b"H")


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.provider.released.is_set():
        handler.wfile.write(b" " * 65536)


@pytest.mark.parametrize("way", ["hangs", "drips", "never ends"])
def test_whatever_takes_too_long_is_hung_up_on(way, provider, endpoint):
    provider.http.provider = provider
    ways = {"hangs": lambda _: provider.released.wait(), "drips": drip, "never ends": endless}
    provider.answer = lambda *_: ways[way]
    with pytest.raises(Unavailable, match=r"no whole answer|no list of vectors|more than"):
        endpoint(dimensions=8, deadline=0.5).embed(["a"])


def test_an_endless_answer_is_not_kept(provider, endpoint, monkeypatch):
    monkeypatch.setattr(room, "MAX_BYTES", 100_000)
    provider.answer = lambda *_: (200, {}, b" " * 200_000)
    with pytest.raises(Unavailable, match="more than 100000 bytes"):
        endpoint(dimensions=8, deadline=0.4).embed(["a"])


def test_a_text_that_is_refused_costs_the_others_nothing(provider, endpoint, breaker):
    def answer(asked, items):
        return (
            reply({}, status=400)
            if any("forbidden" in text for text in asked["input"])
            else provider.good(asked, items)
        )

    provider.answer = answer
    texts = [*(f"question {index}" for index in range(20)), "forbidden"]
    rows = endpoint().embed(texts)
    np.testing.assert_allclose(rows[:20], provider.units(texts[:20]), atol=2**-10)
    np.testing.assert_array_equal(rows[20], np.eye(1, DIMENSION)[0])
    assert breaker.state().failures == 0


def test_a_text_that_is_too_long_there_is_cut_until_it_fits(provider, endpoint):
    def answer(asked, items):
        return reply({}, status=413) if sum(map(len, asked["input"])) > 300 else provider.good(asked, items)

    provider.answer = answer
    long = "word " * 200
    np.testing.assert_allclose(endpoint().embed(["a", long])[1], provider.units([long.strip()[:250]])[0], atol=2**-10)


def test_where_every_text_is_refused_a_setting_is_wrong_and_nothing_is_lost(provider, endpoint):
    provider.answer = lambda *_: reply({}, status=400)
    with pytest.raises(Unavailable, match="KAIZEN_EMBEDDER_MODEL"):
        endpoint(dimensions=DIMENSION).embed(["a", "b"])
