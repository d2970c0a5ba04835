"""What every finder promises, kept by each."""

import pytest

from kaizen_worker.embedding.static import Static
from kaizen_worker.knowledge.entries import Entries
from kaizen_worker.knowledge.finder import Hybrid, Words
from kaizen_worker.knowledge.making import Document, Errand, from_document, from_passage
from kaizen_worker.knowledge.retrieval import Retrieval
from kaizen_worker.types import Passage

TEXTS = {
    "pin": "Your PIN is reset in the app under Cards, then Security.",
    "loan": "A loan is paid back in monthly instalments over five years.",
    "branch": "The branch in Main Street is open from nine to five.",
    "transfer": "Transfers to banks abroad take up to three working days.",
}


@pytest.fixture
def entries(kb_server):
    found = Entries(kb_server, "acme")
    for name, text in TEXTS.items():
        found.put(from_document(Document(id=name, title=name, text=text), at=1), at=1)
    return found


def words(client):
    one = Retrieval(client, "acme", embedder=Static(), every=0.0)
    return Words(lambda: one)


def hybrid(client, *, meaning=lambda query: Static().embed([query])[0]):
    one = Retrieval(client, "acme", embedder=Static(), every=0.0)
    return Hybrid(lambda: one, meaning=meaning, otherwise=words(client))


def away(client):
    return hybrid(client, meaning=lambda _: None)


@pytest.fixture(params=[words, hybrid, away])
def finder(request, kb_server):
    return request.param(kb_server)


def ids(hits):
    return [hit.id for hit in hits]


@pytest.mark.usefixtures("entries")
def test_the_best_comes_first_with_a_score_of_nought_to_one(finder):
    hits = finder.search("how do I reset the PIN in the app", limit=4)
    assert hits[0].id == "pin"
    assert hits[0].text == TEXTS["pin"]
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@pytest.mark.usefixtures("entries")
def test_no_more_than_asked_for_and_none_that_is_excluded(finder):
    asked = "the PIN in the app, the branch in Main Street"
    assert ids(finder.search(asked, limit=1)) == ids(finder.search(asked, limit=4))[:1]
    first, second, *_ = ids(finder.search(asked, limit=4))
    assert ids(finder.search(asked, limit=1, exclude=frozenset({first, "unheard of"}))) == [second]


def test_only_what_is_active_and_that_at_once(entries, finder):
    text = "A zyzzyva is a weevil of the tropics."
    waiting = from_passage(Passage("web", "weevil", text, "", score=1.0), at=2, errand=Errand())
    entries.add(waiting)
    assert waiting.id not in ids(finder.search("zyzzyva weevil", limit=9))
    entries.activate(waiting.id, at=3)
    assert ids(finder.search("zyzzyva weevil", limit=1)) == [waiting.id]
    entries.expire(waiting.id, at=4)
    assert waiting.id not in ids(finder.search("zyzzyva weevil", limit=9))


def test_equals_come_by_id_and_another_process_says_the_same(entries, finder, kb_server, request):
    for name in ("twin-b", "twin-a", "twin-c"):
        entries.put(from_document(Document(id=name, title="", text="Quokkas smile."), at=2), at=2)
    found = finder.search("quokkas smile", limit=3)
    assert ids(found) == ["twin-a", "twin-b", "twin-c"]
    assert len({hit.score for hit in found}) == 1
    again = request.node.callspec.params["finder"](kb_server)
    assert again.search("quokkas smile", limit=3) == found


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("query", ["", " ", "?!", '"', "a AND (b", "body:x", "\x00", "\U0001f600", "zzz" * 5_000])
def test_anything_may_be_asked(finder, query):
    assert len(finder.search(query, limit=3)) <= 3


def test_an_empty_knowledge_base_has_nothing(finder):
    assert finder.search("anything", limit=3) == []
