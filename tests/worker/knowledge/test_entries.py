import threading

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from kaizen_api import keys
from kaizen_api.errors import Conflict, Invalid, NotFound
from kaizen_api.metrics.table import field
from kaizen_worker.knowledge.entries import Entries
from kaizen_worker.knowledge.making import Document, Errand, entry_id, from_document, from_passage
from kaizen_worker.types import Passage

SIZE = field("kaizen_knowledge_base_size")


def passage(text="Cards are blocked under Settings.", **more):
    return Passage(
        **{"source": "folder", "title": "Cards", "text": text, "url": "file://cards.md", "score": 0.5, **more}
    )


def found(text="Cards are blocked under Settings.", *, at=1, errand=Errand(), state="quarantined", **more):  # noqa: B008
    return from_passage(passage(text, **more), at=at, errand=errand, state=state)


def size(client):
    return [int(client.hget(key, SIZE) or 0) for key in (keys.metrics("acme"), keys.ROLLUP)]


@pytest.fixture
def entries(kb_server):
    return Entries(kb_server, "acme")


def test_an_entry_keeps_where_it_came_from():
    errand = Errand(query="block card", gap="g1", batch="b1", adapter="folder/1")
    entry = found(at=7, errand=errand, licence="CC0", trust=0.8, flags=("override",))
    assert entry.id == entry_id(source="folder", url="file://cards.md", text="Cards are blocked under Settings.")
    assert len(entry.id) == 17
    assert entry.flags == ["override"]
    assert entry.provenance.retrieved_at == 7
    assert (entry.provenance.query, entry.provenance.gap, entry.provenance.batch) == ("block card", "g1", "b1")
    assert (entry.provenance.licence, entry.provenance.trust, entry.provenance.adapter) == ("CC0", 0.8, "folder/1")


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=2, max_size=6, unique=True))
def test_ids_differ_where_source_url_or_text_differ(triples):
    ids = {entry_id(source=source, url=url, text=text) for source, url, text in triples}
    assert len(ids) == len(triples)


@pytest.mark.parametrize(("text", "what"), [(" \n", "blank"), ("x" * 32769, "split it")])
def test_texts_that_make_no_entry_are_refused(text, what):
    with pytest.raises(Invalid, match=what):
        found(text)


def test_a_dispute_is_noted_with_both_once(entries, kb_server):
    one, other = (entries.add(found(text)).id for text in ("It is so.", "It is not so."))
    before = size(kb_server)
    for at in (5, 6):
        entries.dispute(one, other, at=at)
    for name, opposed in ((one, other), (other, one)):
        entry = entries.get(name)
        assert (entry.disputes, entry.flags, entry.state) == ([opposed], [], "quarantined")
        assert [(step.at, step.detail) for step in entry.history if step.event == "disputed"] == [(5, opposed)]
    assert size(kb_server) == before
    with pytest.raises(NotFound, match="no entry e0"):
        entries.dispute(one, "e0", at=7)


def test_states_and_counter_move_together(entries, kb_server):
    entry = entries.add(found())
    assert size(kb_server) == [0, 0]
    entries.activate(entry.id, at=2)
    assert size(kb_server) == [1, 1]
    assert entries.expire(entry.id, at=3, detail="harmful").state == "expired"
    assert size(kb_server) == [0, 0]
    assert [(step.at, step.event, step.detail) for step in entries.get(entry.id).history] == [
        (1, "quarantined", ""),
        (2, "active", ""),
        (3, "expired", "harmful"),
    ]


def test_a_step_replayed_counts_once(entries, kb_server):
    entry = entries.add(found())
    first = entries.activate(entry.id, at=2)
    assert entries.activate(entry.id, at=9) == first
    assert size(kb_server) == [1, 1]


def test_steps_that_the_state_does_not_allow(entries):
    entry = entries.add(found(state="active"))
    entries.supersede(entry.id, by="e2", at=2)
    with pytest.raises(Conflict, match="superseded"):
        entries.activate(entry.id, at=3)
    entries.expire(entry.id, at=4)
    with pytest.raises(Conflict, match="expired"):
        entries.supersede(entry.id, by="e2", at=5)
    with pytest.raises(NotFound, match="e0"):
        entries.expire("e0", at=5)


def test_the_same_content_is_one_entry_wherever_it_was_found(entries, kb_server):
    first = entries.add(found(state="active"))
    again = entries.add(found(state="active", at=5))
    elsewhere = entries.add(found(state="active", source="wiki", url="https://example.org"))
    assert first == again == elsewhere
    assert size(kb_server) == [1, 1]
    assert [entry.id for entry in entries.all()] == [first.id]


@given(order=st.permutations(["g1", "g2", "g3"]))
def test_an_entry_found_for_several_gaps_names_the_first_by_id_in_whatever_order(kb_socket, order):
    with redis.Redis(unix_socket_path=str(kb_socket)) as client:
        client.flushall()
        entries = Entries(client, "acme")
        for at, gap in enumerate(order, start=1):
            errand = Errand(query=f"asked for {gap}", gap=gap, batch=f"{gap}.9", adapter="folder/1")
            entry = entries.add(found(at=at, errand=errand))
            if at == 1:
                entries.activate(entry.id, at=1)
        known = entries.get(entry.id)
    origin = known.provenance
    assert (origin.gap, origin.query, origin.batch) == ("g1", "asked for g1", "g1.9")
    assert (origin.retrieved_at, origin.adapter, known.state) == (1, "folder/1", "active")


@pytest.mark.parametrize("errand", [Errand(), Errand(batch="b1")])
def test_what_a_person_added_stays_theirs(entries, errand):
    mine = entries.add(found(state="active", source="import", errand=errand))
    assert entries.add(found(errand=Errand(query="q", gap="g0", batch="g0.1"))) == mine


def test_adding_again_does_not_undo_a_roll_back(entries):
    entry = entries.add(found(state="active", errand=Errand(batch="b1")))
    assert entries.roll_back(at=2, batch="b1") == [entry.id]
    assert entries.add(found(state="active", errand=Errand(batch="b1"))).state == "expired"


def test_roll_back_by_batch_gap_and_source(entries, kb_server):
    one = entries.add(found("one", state="active", errand=Errand(batch="b1", gap="g1")))
    two = entries.add(found("two", state="active", errand=Errand(batch="b1", gap="g2")))
    three = entries.add(found("three", state="active", source="wiki", errand=Errand(batch="b2", gap="g2")))
    assert entries.roll_back(at=2, batch="b1", gap="g1") == [one.id]
    assert entries.roll_back(at=3, gap="g2") == sorted([two.id, three.id])
    assert entries.roll_back(at=4, source="wiki") == []
    assert size(kb_server) == [0, 0]
    assert "gap g2" in entries.get(two.id).history[-1].detail
    with pytest.raises(Invalid, match="name the batch"):
        entries.roll_back(at=5)


def test_a_person_replaces_a_text_under_its_id(entries, kb_server):
    old = entries.put(from_document(Document(id="faq-1", title="PIN", text="Call us."), at=1), at=1)
    new = entries.put(from_document(Document(id="faq-1", title="PIN", text="Use the app."), at=5), at=5)
    kept = entries.get(entry_id(source="import", url="", text="Call us."))
    assert (old.id, new.id, new.text) == ("faq-1", "faq-1", "Use the app.")
    assert (kept.state, kept.history[-1].detail) == ("superseded", "faq-1")
    assert [step.event for step in new.history] == ["active", "replaced", "active"]
    assert entries.put(from_document(Document(id="faq-1", title="PIN", text="Use the app."), at=9), at=9) == new
    retitled = entries.put(from_document(Document(id="faq-1", title="My PIN", text="Use the app."), at=9), at=9)
    assert (retitled.title, retitled.history[-1].detail) == ("My PIN", "PIN")
    assert size(kb_server) == [1, 1]


def test_texts_with_ids_of_their_own_stay_apart_though_they_are_the_same(entries):
    for name in ("a", "b"):
        entries.put(from_document(Document(id=name, text="same"), at=1), at=1)
    assert [entry.id for entry in entries.export()] == ["a", "b"]
    assert entries.add(found("same")).id == "a"


def test_export_and_load_move_a_knowledge_base(entries, kb_server):
    for number in range(1200):
        entries.add(found(f"text {number}", state="active" if number % 3 else "quarantined"))
    exported = list(entries.export())
    assert [entry.id for entry in exported] == sorted(entry.id for entry in exported)
    other = Entries(kb_server, "other")
    assert other.load(exported) == 1200
    assert other.load(exported) == 0
    assert list(other.export()) == exported
    assert int(kb_server.hget(keys.metrics("other"), SIZE)) == 800


def test_racing_processes_make_one_entry_and_one_count(entries, kb_server, kb_socket):
    def race(number):
        with redis.Redis(unix_socket_path=str(kb_socket)) as client:
            mine = Entries(client, "acme")
            for text in range(20):
                entry = mine.add(found(f"text {text}", url=f"https://example.org/{number}"))
                mine.activate(entry.id, at=2)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(entries.all())) == 20
    assert size(kb_server) == [20, 20]
