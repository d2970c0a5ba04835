"""How much meaning weighs beside words is measured on the entries, once there are enough, and by every process read."""

import msgspec
import pytest

from kaizen_api import keys
from kaizen_worker.embedding.static import Static
from kaizen_worker.knowledge.balance import CHANGED, LEAST_ENTRIES, SENTENCES, Balance, Share
from kaizen_worker.knowledge.entries import Entries
from kaizen_worker.knowledge.index import EVEN
from kaizen_worker.knowledge.making import Document, from_document
from kaizen_worker.knowledge.retrieval import Retrieval

THINGS = ["lamp", "bridge", "violin", "glacier", "tractor", "sonnet", "beetle", "anchor", "orchard", "comet"]
DEEDS = ["repairs", "paints", "measures", "sells", "hides", "borrows", "weighs"]
PLACES = ["harbour", "attic", "desert", "library", "kitchen"]


def unlike(number):
    """A passage of its own."""
    thing, deed = THINGS[number % 10], DEEDS[number // 10 % 7]
    return f"Whoever {deed} a {thing} starts in the {PLACES[number // 70 % 5]}"


def alike(number):
    """The same words as each other one, in another order: only one meaning for a bag of words."""
    words = ["lamp", "bridge", "violin", "glacier", "tractor", "sonnet"]
    turn = number % 6
    return " ".join([*words[turn:], *words[:turn], *["and"] * (1 + number // 6)])


def knowledge(client, texts):
    entries = Entries(client, "acme")
    for number, text in enumerate(texts):
        entries.put(from_document(Document(id=f"e{number}", title="", text=text), at=1), at=1)
    return entries


def searched(client):
    return Retrieval(client, "acme", embedder=Static(), every=0.0)


def weight(client):
    return Balance(client, tenant="acme", embedder=Static()).weight()


def test_what_vectors_tell_apart_counts_half(kb_server):
    knowledge(kb_server, [unlike(number) for number in range(LEAST_ENTRIES + 10)])
    searched(kb_server).complete()
    assert weight(kb_server) == pytest.approx(EVEN, abs=0.05)


def test_what_they_do_not_tell_apart_leaves_it_to_the_words(kb_server):
    knowledge(kb_server, [alike(number) for number in range(LEAST_ENTRIES)])
    searched(kb_server).complete()
    assert weight(kb_server) < EVEN / 2


def test_every_process_scores_by_what_is_known(kb_server):
    knowledge(kb_server, [unlike(number) for number in range(LEAST_ENTRIES)])
    other, question = searched(kb_server), unlike(42)
    searched(kb_server).complete()
    kb_server.set(keys.balance("acme", Static.name), msgspec.msgpack.encode(Share(0.2, LEAST_ENTRIES)), ex=9)
    [best] = other.search(question, limit=1)
    served = other.served([question], Static().embed([question]))
    assert best.score == pytest.approx(0.9 * served.bm25[0] + 0.1 * served.cosine[0], abs=2e-6)


@pytest.mark.parametrize(("count", "stored"), [(LEAST_ENTRIES - 1, False), (LEAST_ENTRIES, True)])
def test_it_is_measured_from_enough_entries_on(kb_server, count, stored):
    knowledge(kb_server, [alike(number) for number in range(count)])
    searched(kb_server).complete()
    assert bool(kb_server.exists(keys.balance("acme", Static.name))) is stored


def test_it_is_measured_anew_when_enough_has_changed(kb_server):
    count = 2 * LEAST_ENTRIES
    entries = knowledge(kb_server, [unlike(number) for number in range(count)])
    searched(kb_server).complete()
    key = keys.balance("acme", Static.name)
    before = kb_server.get(key)
    further = [from_document(Document(id=f"n{n}", title="", text=alike(n)), at=1) for n in range(count)]
    for entry in further[: round(CHANGED * count)]:
        entries.put(entry, at=1)
    searched(kb_server).complete()
    assert kb_server.get(key) == before
    entries.put(further[round(CHANGED * count)], at=1)
    searched(kb_server).complete()
    assert kb_server.get(key) != before


def test_a_search_never_measures(kb_server):
    knowledge(kb_server, [unlike(number) for number in range(LEAST_ENTRIES)])
    searched(kb_server).search("the lamp", limit=1)
    assert not kb_server.exists(keys.balance("acme", Static.name))


def test_a_large_knowledge_base_costs_no_more_sentences(kb_server):
    class Counting(Static):
        embedded = 0

        def embed(self, texts):
            self.embedded += len(texts)
            return super().embed(texts)

    knowledge(kb_server, [unlike(number) for number in range(SENTENCES + 60)])
    embedder = Counting()
    Retrieval(kb_server, "acme", embedder=embedder, every=0.0).complete()
    assert embedder.embedded == SENTENCES + 60 + SENTENCES
