"""The fast embedder: fitted once there are too many texts for the transformer, and what it costs nobody notices."""

import msgspec
import numpy as np
import pytest

from kaizen_api import Interaction, Producer, analyses, keys
from kaizen_worker.embedding import load
from kaizen_worker.engine import companion, cycle, due, live, sharing
from kaizen_worker.engine.knowledge import LookUp
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.store.snapshot import load_snapshot

SUBJECTS = ("card", "refund", "parcel", "password", "invoice", "voucher")
ASKS = ("how do I change my {}", "where is the {}", "my {} is lost", "cancel the {} please", "the {} does not work")
TEXTS = [f"{ask.format(subject)} {number}" for ask in ASKS for subject in SUBJECTS for number in range(10)]


def silent(share, detail):
    """Nobody looks."""


@pytest.fixture
def fast(settings, monkeypatch):
    """A tenant with the fast embedder, whose transformer reads sixty texts."""
    monkeypatch.setattr(companion, "SAMPLE", 60)
    return Runtime(settings.model_copy(update={"embedder": "fast"})).tenant("default")


@pytest.fixture
def analyse(fast):
    def analyse():
        cycle.analyze(fast, analyses.note(fast.config, tenant="default").id)

    return analyse


@pytest.fixture
def ask(settings):
    def ask(texts):
        with Producer(settings) as producer:
            producer.append(Interaction(id=text, query=text) for text in texts)

    return ask


def test_up_to_a_sample_the_transformer_reads_all(fast, ask, analyse):
    ask(TEXTS[:60])
    live.consume(fast, place="0")
    analyse()
    assert fast.embedder is load("minilm")
    assert load_snapshot(fast.redis, tenant="default").model == load("minilm").name


def test_beyond_it_a_fit_reads_the_others(fast, ask, analyse):
    ask(TEXTS)
    live.consume(fast, place="0")
    assert not fast.redis.keys("*:vectors:*")  # which of them the transformer reads, the cycle knows
    analyse()
    embedder = fast.embedder
    assert embedder.name.startswith("fast-1-")
    assert load_snapshot(fast.redis, tenant="default").model == embedder.name
    by_model = {key.decode().split(":")[3]: fast.redis.hlen(key) for key in fast.redis.keys("*:vectors:*")}
    assert by_model == {load("minilm").name: 60, embedder.name: len(TEXTS)}
    alike = np.einsum("ij,ij->i", embedder.embed(TEXTS), load("minilm").embed(TEXTS))
    assert alike.mean() > 0.8


def test_what_comes_then_is_assigned_at_once_in_every_process(fast, ask, analyse):
    ask(TEXTS)
    live.consume(fast, place="0")
    analyse()
    other = Runtime(fast.config).tenant("default")
    ask(["my card is lost, it really is"])
    assert live.consume(other, place="0") == 1
    assert sum(map(int, fast.redis.hvals(keys.live("default")))) == 1
    assert LookUp(fast.runtime).guidance("default", TEXTS[0]) == []


def test_a_fit_stays_while_half_of_its_sample_is_there_and_is_made_anew_then(fast):
    companion.renew(fast, TEXTS, tell=silent)
    first = fast.embedder.name
    companion.renew(fast, TEXTS[20:], tell=silent)
    assert fast.embedder.name == first
    companion.renew(fast, [f"{text} again" for text in TEXTS], tell=silent)
    assert fast.embedder.name != first
    assert Runtime(fast.config).tenant("default").embedder.name == fast.embedder.name


def test_shared_texts_are_embedded_by_whoever_has_time_and_a_lost_piece_by_the_analysis(fast, ask):
    ask(["a tenant that is known"])
    live.consume(fast, place="1")
    dear = load("minilm")
    texts = [f"text {number}" for number in range(sharing.LEAST + 10)]
    others = Runtime(fast.config).tenant("default")

    taken = []

    def helped(missing):
        pieces = [missing[start : start + sharing.PIECE] for start in range(0, len(missing), sharing.PIECE)]
        encoded = [msgspec.msgpack.encode(sharing.Piece(dear.name, list(piece))) for piece in pieces]
        fast.redis.rpush(keys.unembedded("default"), *encoded)
        fast.redis.expire(keys.unembedded("default"), 60)
        assert ("default", "0") in due.due_consumers(others.runtime)
        taken.append(fast.redis.lpop(keys.unembedded("default")))  # and its worker was killed
        live.consume(others, place="0")

    rows = fast.vectors_by(dear).get(texts, dear.embed, share=helped)
    assert taken[0] is not None
    assert fast.redis.llen(keys.unembedded("default")) == 0
    assert np.array_equal(rows.astype(np.float32), dear.embed(texts))


def test_sharing_leaves_nothing_to_do(fast):
    dear = load("minilm")
    texts = [f"text {number}" for number in range(sharing.LEAST)]
    rows = sharing.embed(fast, texts, by=dear, tell=silent)
    assert fast.redis.llen(keys.unembedded("default")) == 0
    assert np.array_equal(rows.astype(np.float32), dear.embed(texts))
    stored = fast.vectors_by(dear).get(texts, lambda missing: pytest.fail(f"{len(missing)} were left"))
    assert np.array_equal(stored, rows)


def test_a_piece_for_a_model_that_is_not_here_is_left_to_whoever_laid_it_out(fast):
    piece = msgspec.msgpack.encode(sharing.Piece("another", TEXTS))
    fast.redis.rpush(keys.unembedded("default"), piece)
    fast.redis.expire(keys.unembedded("default"), 60)
    assert sharing.take(fast)
    assert not sharing.take(fast)
    assert not fast.redis.keys("*:vectors:*")
    assert fast.redis.llen(keys.unembedded("default")) == 0


def test_what_waits_goes_before_the_texts_of_an_analysis(fast, ask):
    ask(["first"])
    live.consume(fast, place="1")
    seen = []
    pieces = [msgspec.msgpack.encode(sharing.Piece("another", [f"text {number}"])) for number in range(3)]
    fast.redis.rpush(keys.unembedded("default"), *pieces)
    fast.redis.expire(keys.unembedded("default"), 60)
    ask(["second"])
    seen.append(live.consume(fast, place="0", seconds=5.0))
    assert seen == [1]
    assert fast.redis.llen(keys.unembedded("default")) == 0
