"""The loop with an endpoint for an embedder: an outage of it loses nothing, and personal data never reaches it."""

import pytest
from redis import Redis

from kaizen_api import Interaction, KaizenConfig, Producer, keys
from kaizen_api.errors import Unavailable
from kaizen_api.metrics import field
from kaizen_worker.embedding.choice import BREAKER
from kaizen_worker.engine import live
from kaizen_worker.engine.knowledge import LookUp
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.knowledge.making import Document, from_document
from kaizen_worker.store.dead import dead_letters
from kaizen_worker.store.log import read_log


@pytest.fixture
def runtime(config, provider):
    settings = {"embedder": "openai", "embedder_url": provider.url, "embedder_model": "m"}
    return Runtime(KaizenConfig(redis_url=config.redis_url, data_dir=config.data_dir, **settings))


def push(runtime, *queries):
    with Producer(runtime.config) as producer:
        producer.append(Interaction(id=f"i{index}", query=query) for index, query in enumerate(queries))


def take_in(runtime):
    while live.consume(runtime.tenant("default"), place="0"):
        pass


def test_an_address_in_a_question_never_leaves_by_the_log_or_at_answer_time(runtime, provider):
    push(runtime, "I am jane.doe@example.org, where is my card?")
    take_in(runtime)
    LookUp(runtime).knowledge("default", "jane.doe@example.org wants her card", session_id=None, limit=3)
    assert {"I am [email], where is my card?", "[email] wants her card"} <= set(provider.texts)
    assert "jane" not in str(provider.asked)


@pytest.mark.parametrize("seen", [True, False])
def test_while_it_is_down_entries_are_found_by_their_words(runtime, provider, caplog, seen):
    entry = Document(id="card", title="Cards", text="A stolen card is frozen in the app.")
    runtime.tenant("default").entries.put(from_document(entry, at=1), at=1)
    look = LookUp(runtime)
    asked = {"session_id": None, "limit": 3}
    if seen:
        assert [hit.id for hit in look.knowledge("default", "stolen card", **asked)] == ["card"]
    provider.answer = lambda *_: (500, {"Retry-After": "60"}, b"")
    later = Document(id="loan", title="Loans", text="A loan is paid back in five years.")
    runtime.tenant("default").entries.put(from_document(later, at=1), at=1)
    for query, found in (("my card was stolen!", "card"), ("pay back a loan", "loan")):
        assert look.knowledge("default", query, **asked)[0].id == found
    assert look.guidance("default", "my card was stolen!") == []
    assert "looked up by its words alone" in caplog.text


def test_words_alone_ask_it_nothing(runtime, provider):
    words = Runtime(runtime.config.model_copy(update={"knowledge_search": "words"}))
    entry = Document(id="card", title="Cards", text="A stolen card is frozen in the app.")
    words.tenant("default").entries.put(from_document(entry, at=1), at=1)
    (hit,) = LookUp(words).knowledge("default", "stolen card", session_id=None, limit=3)
    assert hit.id == "card"
    assert provider.asked == []


def test_while_it_is_down_interactions_wait_and_then_each_counts_once(runtime, provider, redis: Redis):
    push(runtime, *(f"question {index}" for index in range(300)))
    provider.answer = lambda *_: (500, {"Retry-After": "60"}, b"")
    for _ in range(8):
        with pytest.raises(Unavailable):
            live.consume(runtime.tenant("default"), place="0")
    assert len(provider.asked) == 5, "its breaker is open: it is left alone"
    opened = field("kaizen_breaker_transitions_total", breaker=BREAKER, state="open")
    assert int(redis.hget(keys.ROLLUP, opened)) == 1
    provider.answer = provider.good
    redis.delete(keys.breaker(BREAKER), keys.leases(BREAKER))  # a minute later
    again = Runtime(runtime.config)
    take_in(again)
    assert sorted(record.query for record in read_log(redis, tenant="default")) == sorted(
        f"question {index}" for index in range(300)
    )
    assert list(dead_letters(redis, tenant="default")) == []


def test_what_was_paid_for_before_an_outage_is_not_asked_again(runtime, provider):
    texts = [f"question {index}" for index in range(600)]
    vectors = runtime.tenant("default").vectors_by(runtime.embedder)
    provider.answer = lambda *asked: (
        provider.good(*asked) if len(provider.asked) < 5 else (429, {"Retry-After": "9"}, b"")
    )
    with pytest.raises(Unavailable):
        vectors.get(texts, runtime.embedder.embed)
    provider.answer = provider.good
    before = len(provider.texts)
    vectors.get(texts, runtime.embedder.embed)
    assert len(provider.texts) - before == 600 - 256
