import logging
import os
import subprocess

import pytest

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Invalid, Unavailable
from kaizen_worker.search import build
from kaizen_worker.search.folder import Folder
from kaizen_worker.search.inventory import MAX_BYTES, read, take


def pdf(text):
    stream = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    content, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(content)
    return (
        content
        + b"xref\n0 6\n0000000000 65535 f \n%b" % table
        + (b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start)
    )


@pytest.fixture
def documents(tmp_path):
    folder = tmp_path / "documents"
    (folder / "deep er").mkdir(parents=True)
    (folder / "cards.md").write_text("# Cards\n\nA lost card is blocked in the app.\n")
    (folder / "deep er" / "loans.html").write_text("<title>Loans</title><p>Repay a loan in instalments.")
    (folder / "hours.txt").write_text("The branch opens at nine.")
    (folder / "fees.pdf").write_bytes(pdf("Foreign withdrawals cost a fee."))
    return folder


def urls(source, query, limit=5):
    return [passage.url for passage in source.search(query, limit=limit)]


@pytest.mark.parametrize(
    ("query", "url", "title"),
    [
        ("How can I block my lost card?", "file://cards.md", "Cards"),
        ("loan instalments", "file://deep%20er/loans.html", "Loans"),
        ("when does the branch open", "file://hours.txt", "hours"),
        ("fee for a foreign withdrawal", "file://fees.pdf", "fees"),
    ],
)
def test_every_kind_of_document_is_found(documents, query, url, title):
    passage = Folder(documents).search(query, limit=1)[0]
    assert (passage.source, passage.url, passage.title) == ("folder", url, title)
    assert 0 < passage.score <= 1
    assert str(documents) not in repr(passage)


def test_the_same_files_give_the_same_answer(documents):
    queries = ["card", "the", "loan branch fee card", "zebra"]
    first, second = Folder(documents), Folder(documents)
    assert [first.search(query, limit=9) for query in queries] == [second.search(query, limit=9) for query in queries]


def test_changes_are_seen_at_the_next_search(documents):
    source = Folder(documents)
    assert urls(source, "mortgage") == []
    (documents / "new.md").write_text("A mortgage on a house.")
    assert urls(source, "mortgage") == ["file://new.md"]
    (documents / "new.md").write_text("A mortgage on a horse.")
    assert "horse" in source.search("mortgage", limit=1)[0].text
    (documents / "new.md").unlink()
    assert urls(source, "mortgage") == []


def test_only_what_changed_is_read_again(documents, caplog):
    (documents / "bad.txt").write_bytes(b"\0")
    source = Folder(documents)
    with caplog.at_level(logging.WARNING):
        source.search("card", limit=1)
        source.search("card", limit=1)
    assert [record.getMessage() for record in caplog.records] == [
        "documents: bad.txt skipped: unreadable (Invalid: binary, not text)"
    ]


def test_links_that_leave_the_folder_are_refused(documents, tmp_path, caplog):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("The secret mortgage.")
    (documents / "file.md").symlink_to(outside / "secret.md")
    (documents / "folder.md").symlink_to(outside)
    (documents / "loop.md").symlink_to(documents / "loop.md")
    (documents / "inside.md").symlink_to(documents / "cards.md")
    with caplog.at_level(logging.WARNING):
        source = Folder(documents)
        assert urls(source, "secret mortgage") == []
    assert "file.md skipped: a link that leaves the folder" in caplog.text
    assert "folder.md skipped: a link that leaves the folder" in caplog.text
    assert "loop.md skipped" in caplog.text
    assert urls(source, "lost card") == ["file://cards.md", "file://inside.md"]


def test_large_odd_and_broken_files_are_skipped_and_named(documents, caplog):
    with (documents / "large.txt").open("wb") as large:
        large.truncate(MAX_BYTES + 1)
    os.mkfifo(documents / "pipe.txt")
    (documents / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing")
    (documents / ".hidden.md").write_text("card card card")
    with caplog.at_level(logging.WARNING):
        assert urls(Folder(documents), "card") == ["file://cards.md"]
    for name in ("large.txt", "pipe.txt", "broken.pdf"):
        assert f"documents: {name} skipped" in caplog.text


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(Unavailable, match="not there"):
        Folder(tmp_path / "none").search("card", limit=1)


def test_sources_by_configuration(documents):
    assert build(KaizenConfig()) == []
    [source] = build(KaizenConfig(documents_path=documents))
    assert source.name == "folder"
    assert urls(source, "lost card") == ["file://cards.md"]
    assert build(KaizenConfig(documents_path=documents, search_sources=[])) == []


def test_a_name_that_is_not_utf8_is_skipped_and_told(documents, caplog):
    path = os.fsencode(documents) + b"/\xff.md"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    with caplog.at_level(logging.WARNING):
        assert urls(Folder(documents), "mortgage card", limit=1) == ["file://cards.md"]
    assert r"\udcff.md skipped: a name that is not UTF-8" in caplog.text


def test_a_tree_deeper_than_any_stack_is_searched(documents):
    descriptor = os.open(documents, os.O_RDONLY)
    for _ in range(1_500):
        os.mkdir("x", dir_fd=descriptor)
        inner = os.open("x", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    try:
        assert urls(Folder(documents), "card", limit=1) == ["file://cards.md"]
    finally:  # the clean-up of temporary folders calls itself for each level
        subprocess.run(["rm", "-rf", documents / "x"], check=True)


def test_a_folder_that_became_a_link_while_a_file_was_opened_leads_nowhere(documents, tmp_path, monkeypatch):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "loans.html").write_text("<p>The secret.")
    [file] = [file for file in take(documents).files if file.name.endswith("loans.html")]
    opening = os.open

    def swapped(path, flags, **more):
        (documents / "deep er").rename(documents / "away")
        (documents / "deep er").symlink_to(tmp_path / "outside")
        return opening(path, flags, **more)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(Invalid, match="leaves the folder"):
        read(documents, file)


def test_half_a_surrogate_pair_in_a_pdf_hides_no_other_document(documents):
    """As the `ToUnicode` map of a font may make it; nothing could index or store it."""
    unicode = b"1 beginbfchar\n<5A> <D800>\nendbfchar"
    mapped = pdf("ZZ mortgage").replace(b"/BaseFont", b"/ToUnicode 6 0 R/BaseFont")
    stream = b"6 0 obj<</Length %d>>stream\n%b\nendstream\nendobj\nxref" % (len(unicode), unicode)
    (documents / "broken.pdf").write_bytes(mapped.replace(b"\nxref", b"\n" + stream, 1))
    source = Folder(documents)
    assert source.search("mortgage", limit=1)[0].text.endswith("mortgage")
    assert urls(source, "lost card", limit=1) == ["file://cards.md"]
