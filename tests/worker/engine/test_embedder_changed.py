"""Another embedder: everything is embedded again, nothing of two models meets, and topics stay the topics they were."""

import numpy as np
import pytest

from kaizen_api import analyses, keys
from kaizen_api.queries import Queries
from kaizen_worker.engine import cycle, live
from kaizen_worker.engine.knowledge import LookUp
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.knowledge.making import Errand, from_passage
from kaizen_worker.store.snapshot import load_snapshot
from kaizen_worker.types import Passage


@pytest.fixture
def changed(settings):
    """The same tenant after the setting was changed and the processes were started again."""
    return Runtime(settings.model_copy(update={"embedder": "minilm"})).tenant("default")


def take_in(tenant):
    while live.consume(tenant, place="0"):
        pass


def subjects(queries):
    """Id of each topic, and whether it is about cards."""
    return {topic.id: "card" in topic.exemplars[0].lower() for topic in queries.topics()}


def stored(tenant, model):
    """Texts with a vector of that model."""
    names = tenant.redis.keys(keys.vectors("default", model, 0).removesuffix("0") + "*")
    assert all(tenant.redis.ttl(name) > 0 for name in names), "what nobody asks for any more expires"
    return {text for name in names for text in tenant.redis.hkeys(name)}


def test_the_next_cycle_embeds_all_again_and_topics_keep_their_ids(tenant, changed, push, analyse, settings):
    old, new = tenant.embedder.name, changed.embedder.name
    push()
    analyse()
    queries = Queries(tenant.redis, tenant="default")
    before = subjects(queries)
    assert len(before) >= 2
    texts = stored(tenant, old)
    assert (len(texts) > 20, stored(tenant, new)) == (True, set())

    push(10, first=1000)
    take_in(changed)
    assert sum(topic.live for topic in queries.topics()) == 0, "centroids of the old model judge no vector of the new"
    asked = analyses.note(settings, tenant="default")
    cycle.analyze(changed, asked.id)
    assert changed.cycles.get(asked.id).status == "done"
    now = subjects(queries)
    assert set(now.values()) == {True, False}
    assert now.items() <= before.items(), "the new space may join topics; none is born, and none changes its subject"
    assert load_snapshot(tenant.redis, tenant="default").model == new
    assert stored(changed, new) >= texts
    assert stored(changed, old) == texts


def test_a_question_is_embedded_as_the_log_has_it_masked(tenant):
    asked, logged = "I am jane.doe@example.org", "I am [email]"
    np.testing.assert_array_equal(LookUp(tenant.runtime)._embed(asked), tenant.embedder.embed([logged])[0])


def test_the_knowledge_base_is_embedded_again_and_found(tenant, changed):
    passage = Passage(source="folder", title="Stolen card", text="Freeze it in the app.", url="u", score=1.0)
    tenant.entries.add(from_passage(passage, at=1, errand=Errand(), state="active"))
    for one in (tenant, changed):
        one.retrieval.complete()
        assert len(stored(one, f"entries-{one.embedder.name}")) == 1
        (hit,) = one.retrieval.search("freeze a stolen card", limit=3)
        assert hit.title == "Stolen card"


def test_while_the_endpoint_is_down_words_alone_find(tenant, settings):
    passage = Passage(source="folder", title="Stolen card", text="Freeze it in the app.", url="u", score=1.0)
    tenant.entries.add(from_passage(passage, at=1, errand=Errand(), state="active"))
    down = {"embedder": "openai", "embedder_url": "http://127.0.0.1:9/v1", "embedder_model": "m"}
    look = LookUp(Runtime(settings.model_copy(update=down | {"embedder_dimensions": 8})))
    (hit,) = look.knowledge("default", "freeze my stolen card", session_id="s1", limit=3)
    assert hit.title == "Stolen card"
    assert look.guidance("default", "freeze my stolen card") == []
