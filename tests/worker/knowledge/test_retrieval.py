import threading

import numpy as np
import pytest
import redis

from kaizen_api import keys
from kaizen_api.errors import Unavailable
from kaizen_worker.embedding.static import Static
from kaizen_worker.knowledge.entries import Entries
from kaizen_worker.knowledge.making import Document, Errand, from_document, from_passage
from kaizen_worker.knowledge.retrieval import EMBEDDED_AT_A_LOOK, LEAST_SCORE, Retrieval
from kaizen_worker.types import Passage

TEXTS = {
    "pin": "Your PIN is reset in the app under Cards, then Security.",
    "loan": "A loan is paid back in monthly instalments over five years.",
    "branch": "The branch in Main Street is open from nine to five.",
    "transfer": "Transfers to banks abroad take up to three working days.",
}


class Counting(Static):
    def __init__(self):
        self.texts = []

    def embed(self, texts):
        self.texts += texts
        return super().embed(texts)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def entries(kb_server):
    found = Entries(kb_server, "acme")
    for name, text in TEXTS.items():
        found.put(from_document(Document(id=name, title=name, text=text), at=1), at=1)
    return found


def retrieval(client, **more):
    return Retrieval(client, "acme", **{"embedder": Static(), "every": 0.0, **more})


def ids(hits):
    return [hit.id for hit in hits]


def test_the_entry_that_serves_comes_first_with_its_provenance(entries, kb_server):
    best, *others = retrieval(kb_server).search("how do I reset my PIN", limit=3)
    assert (best.id, best.text, best.provenance) == ("pin", TEXTS["pin"], entries.get("pin").provenance)
    assert all(1 >= best.score > hit.score > 0 for hit in others)


@pytest.mark.usefixtures("entries")
def test_what_serves_nothing_is_not_found(kb_server):
    searched = retrieval(kb_server)
    searched.complete()
    assert searched.search("quantum chromodynamics lattice", limit=9) == []
    assert all(hit.score >= LEAST_SCORE for hit in searched.search("how do I reset my PIN", limit=9))


@pytest.mark.usefixtures("entries")
def test_a_score_is_half_words_and_half_meaning(kb_server):
    searched = retrieval(kb_server)
    searched.complete()
    query = "loan instalments"
    [best] = searched.search(query, limit=1)
    vectors = Static().embed([query])
    served = searched.served([query], vectors)
    assert best.score == pytest.approx(0.5 * served.bm25[0] + 0.5 * served.cosine[0], abs=2e-6)


class Away(Static):
    """Answers for a while."""

    here = True

    def embed(self, texts):
        if not self.here:
            raise Unavailable("away")
        return super().embed(texts)


@pytest.mark.usefixtures("entries")
def test_words_alone_are_the_whole_score(kb_server):
    searched = retrieval(kb_server, embedder=(counting := Counting()))
    (best, *_) = searched.search("reset my PIN", limit=4, words_alone=True)
    both = next(hit for hit in searched.search("reset my PIN", limit=4) if hit.id == best.id)
    assert (best.id, counting.texts[-1]) == ("pin", "reset my PIN")
    assert best.score != both.score
    assert counting.texts.count("reset my PIN") == 1


def test_while_the_embedder_is_away_words_find_what_is_there_and_what_is_new(entries, kb_server):
    searched = retrieval(kb_server, embedder=(away := Away()))
    searched.complete()
    away.here = False
    entries.put(from_document(Document(id="visa", text="A visa card is ordered by post."), at=2), at=2)
    assert ids(searched.search("order a visa card", limit=1)) == ["visa"]
    assert ids(searched.search("reset my PIN", limit=1)) == ["pin"]
    away.here = True
    searched.search("anything", limit=1)
    assert searched._pending == {}


def test_other_processes_find_what_one_adds_changes_and_takes_away(entries, kb_server):
    searched = retrieval(kb_server)
    assert "mortgage" not in ids(searched.search("mortgage on a house", limit=9))
    entries.put(from_document(Document(id="mortgage", text="A mortgage on a house."), at=2), at=2)
    assert ids(searched.search("mortgage on a house", limit=1)) == ["mortgage"]
    entries.put(from_document(Document(id="mortgage", text="Fixed rates for homes."), at=3), at=3)
    assert ids(searched.search("fixed rates", limit=1)) == ["mortgage"]
    entries.expire("mortgage", at=4)
    assert "mortgage" not in ids(searched.search("fixed rates", limit=9))
    entries.activate("mortgage", at=5)
    assert ids(searched.search("fixed rates", limit=1)) == ["mortgage"]


def test_quarantined_entries_are_not_found(entries, kb_server):
    passage = Passage("folder", "Crypto", "Crypto wallets are not offered.", "file://c.md", score=1.0)
    entry = entries.add(from_passage(passage, at=1, errand=Errand()))
    searched = retrieval(kb_server)
    assert entry.id not in ids(searched.search("crypto wallets", limit=9))
    entries.activate(entry.id, at=2)
    assert ids(searched.search("crypto wallets", limit=1)) == [entry.id]


def test_between_two_looks_nothing_new_is_found_and_nothing_withdrawn_is_served(entries, kb_server):
    clock = Clock()
    searched = retrieval(kb_server, every=0.2, clock=clock)
    assert ids(searched.search("reset PIN", limit=1)) == ["pin"]
    entries.put(from_document(Document(id="new", text="Reset the PIN by phone: reset PIN."), at=2), at=2)
    entries.expire("pin", at=2)
    clock.now = 0.19
    assert "pin" not in ids(searched.search("reset PIN", limit=9))
    assert "new" not in ids(searched.search("reset PIN", limit=9))
    clock.now = 0.2
    assert ids(searched.search("reset PIN", limit=1)) == ["new"]


@pytest.mark.usefixtures("entries")
def test_excluded_entries_leave_their_place_to_others(kb_server):
    searched = retrieval(kb_server)
    searched.complete()
    query = "reset my PIN in the branch"
    assert ids(searched.search(query, limit=1)) == ["pin"]
    assert ids(searched.search(query, limit=1, exclude=frozenset({"pin", "unknown"}))) == ["branch"]


@pytest.mark.parametrize("left", [0, 1])
def test_changes_that_were_trimmed_or_lost_cost_a_rebuild_and_no_entry(entries, kb_server, left):
    searched = retrieval(kb_server)
    searched.search("PIN", limit=1)
    entries.put(from_document(Document(id="new", text="Pension plans."), at=2), at=2)
    entries.expire("pin", at=2)
    kb_server.xtrim(keys.changes("acme"), maxlen=left, approximate=False)
    assert ids(searched.search("pension plans", limit=1)) == ["new"]
    assert "pin" not in ids(searched.search("PIN", limit=9))


def test_an_empty_knowledge_base_serves_nothing_until_something_is_added(kb_server):
    searched = retrieval(kb_server)
    assert searched.search("PIN", limit=3) == []
    served = searched.served(["PIN", "loan"], Static().embed(["PIN", "loan"]))
    assert all((column == np.zeros(2)).all() for column in (served.bm25, served.idf, served.cosine, served.margin))
    Entries(kb_server, "acme").put(from_document(Document(id="pin", text="PIN"), at=1), at=1)
    assert ids(searched.search("PIN", limit=3)) == ["pin"]


@pytest.mark.usefixtures("entries")
def test_each_content_is_embedded_once_whoever_asks(kb_server):
    first, second = Counting(), Counting()
    retrieval(kb_server, embedder=first).complete()
    assert len(first.texts) == len(TEXTS)
    retrieval(kb_server, embedder=second).complete()
    assert second.texts == []
    assert 0 < kb_server.ttl(keys.vectors("acme", f"entries-{first.name}", 0)) <= 30 * 86_400


def test_a_search_embeds_few_entries_itself(kb_server):
    entries = Entries(kb_server, "acme")
    for number in range(20):
        entries.put(from_document(Document(id=f"e{number}", text=f"card number {number}"), at=1), at=1)
    counting = Counting()
    searched = retrieval(kb_server, embedder=counting)
    searched.search("card", limit=20)
    assert len(counting.texts) == EMBEDDED_AT_A_LOOK + 1
    searched.complete()
    assert len(counting.texts) == 21


def test_a_caught_up_index_answers_like_a_new_one(entries, kb_server):
    grown = retrieval(kb_server)
    for number in range(60):
        entries.put(from_document(Document(id=f"c{number}", text=f"card {number} of {number % 7} kinds"), at=2), at=2)
        if number % 5 == 4:
            entries.expire(f"c{number - 2}", at=3)
        grown.search("card", limit=1)
    grown.complete()
    new = retrieval(kb_server)
    new.complete()
    for query in ("card of 3 kinds", "reset PIN", "working days abroad"):
        ours, theirs = (found.search(query, limit=10) for found in (grown, new))
        assert ids(ours) == ids(theirs)
        assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], abs=0.02)


def test_how_well_texts_are_served_is_the_same_in_every_process(entries, kb_server):
    grown = retrieval(kb_server)
    for number in range(60):
        entries.put(from_document(Document(id=f"c{number}", text=f"card {number} of {number % 7} kinds"), at=2), at=2)
    grown.complete()
    entries.expire("c7", at=3)  # less than a search would rebuild for
    texts = ["card 7 of 0 kinds", "reset PIN", "working days abroad"]
    vectors = Static().embed(texts)
    ours, theirs = (found.served(texts, vectors) for found in (grown, retrieval(kb_server)))
    for name in ("bm25", "idf", "cosine", "margin"):
        assert getattr(ours, name).tolist() == getattr(theirs, name).tolist(), name


@pytest.mark.usefixtures("entries")
def test_coverage_tells_what_is_there_from_what_is_not(kb_server):
    texts = ["reset the PIN in the app", "insure my bicycle against theft"]
    served = retrieval(kb_server).served(texts, Static().embed(texts))
    for column in (served.bm25, served.idf, served.cosine, served.margin):
        assert column.shape == (2,)
        assert column[0] > column[1] >= 0
        assert column[0] <= 1


def test_readers_find_while_a_writer_writes(entries, kb_socket):
    done, failures = threading.Event(), []

    def read():
        with redis.Redis(unix_socket_path=str(kb_socket)) as client:
            searched = retrieval(client)
            while not done.is_set():
                if ids(searched.search("reset my PIN", limit=1)) != ["pin"]:
                    failures.append("pin")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(40):
        entries.put(from_document(Document(id=f"w{number}", text=f"window {number}"), at=2), at=2)
        entries.expire(f"w{number}", at=3)
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []


class Down(Static):
    def embed(self, _texts):
        raise Unavailable("the endpoint does not answer")


@pytest.mark.usefixtures("entries")
def test_while_the_embedder_is_down_words_alone_find(kb_server):
    searched = retrieval(kb_server, embedder=Down())
    assert ids(searched.search("how is my PIN reset", limit=1)) == ["pin"]
    retrieval(kb_server).complete()
    assert ids(searched.search("how is my PIN reset", limit=1)) == ["pin"]
