import re

import pytest

from kaizen_api.errors import Invalid
from kaizen_worker.knowledge.entries import Entries
from kaizen_worker.knowledge.making import Document, Errand, entry_id, from_document, from_passage
from kaizen_worker.knowledge.snapshots import PART_ENTRIES, archive, restore
from kaizen_worker.store.archive import verify, write
from kaizen_worker.types import Passage


def entry(number, *, at=1, state="active"):
    passage = Passage("folder", f"title {number}", f"text {number}", f"file://{number}.md", score=0.5)
    return from_passage(passage, at=at, errand=Errand(batch="b"), state=state)


@pytest.fixture
def entries(kb_server):
    found = Entries(kb_server, "acme")
    for number in range(50):
        found.add(entry(number, at=1 + number % 2, state="active" if number % 3 else "quarantined"))
    return found


def test_an_archive_restores_what_was_there_in_order_of_ids(entries, tmp_path):
    path = archive(entries.export(), tmp_path, cutoff=10)
    assert list(restore(path)) == list(entries.export())
    assert verify(path).count == 50


def test_what_happens_after_the_cut_off_changes_no_byte(entries, tmp_path):
    before = list(entries.export())
    archive(entries.export(), tmp_path / "a", cutoff=10)
    entries.roll_back(at=11, batch="b")
    entries.activate(before[0].id, at=12)
    entries.add(entry(99, at=11))
    path = archive(entries.export(), tmp_path / "b", cutoff=10)
    assert list(restore(path)) == before
    first, second = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in "ab")
    assert first == second


@pytest.mark.parametrize("made", [6, 20])
def test_a_replaced_text_is_in_the_archive_of_its_time(entries, tmp_path, made):
    entries.put(from_document(Document(id="zz", text="old words"), at=5), at=5)
    entries.put(from_document(Document(id="zz", text="new words"), at=made), at=20)
    texts = {kept.text: kept for kept in restore(archive(entries.export(), tmp_path, cutoff=10))}
    assert texts["old words"].state == "active"
    assert texts["old words"].id == entry_id(source="import", url="", text="old words")
    assert "new words" not in texts
    later = {kept.text: kept.state for kept in restore(archive(entries.export(), tmp_path, cutoff=30))}
    assert (later["old words"], later["new words"]) == ("superseded", "active")


def test_restored_entries_make_the_same_knowledge_base(entries, kb_server, tmp_path):
    other = Entries(kb_server, "other")
    other.load(restore(archive(entries.export(), tmp_path, cutoff=10)))
    assert list(other.export()) == list(entries.export())


def test_many_entries_go_into_several_parts(tmp_path):
    one = entry(1)
    many = (type(one)(id=f"e{number:06d}", title="", text="t", provenance=one.provenance) for number in range(20_001))
    path = archive(many, tmp_path, cutoff=10)
    assert [part.count for part in verify(path).parts] == [PART_ENTRIES, 1]
    assert sum(1 for _ in restore(path)) == 20_001


def test_of_nothing_there_is_an_archive(tmp_path):
    assert list(restore(archive([], tmp_path, cutoff=10))) == []


def test_a_damaged_archive_restores_nothing(entries, tmp_path):
    path = archive(entries.export(), tmp_path, cutoff=10)
    part = tmp_path / verify(path).parts[0].name
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(Invalid, match=re.escape(part.name)):
        next(restore(path))


def test_other_archives_and_unordered_entries_are_refused(tmp_path):
    with pytest.raises(Invalid, match="not of entries"):
        next(restore(write(tmp_path, kind="kb.json", cutoff=1, parts=[("kb.json", [b"{}"])])))
    with pytest.raises(Invalid, match="by id"):
        archive([entry(1), entry(1)], tmp_path, cutoff=10)
