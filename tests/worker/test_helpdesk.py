"""The help desk's content: enough of it, nothing twice, and every named answer is a document that can be found."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections import Counter
from pathlib import Path
from pkgutil import resolve_name

import pytest

from kaizen_worker.helpdesk import Subject, documents, load_subjects, load_turns
from kaizen_worker.helpdesk.documents import MODULES, write_documents

SUBJECTS = load_subjects()
ROOT = Path(__file__).resolve().parents[2]
UNWANTED = ("antigravity", "this", "tkinter", "turtle", "idlelib", "lib2to3", "test")

every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.id)


def folded(phrase: str) -> str:
    return " ".join(phrase.casefold().split())


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every written page, by the title in its first line."""
    folder = tmp_path_factory.mktemp("documents")
    written = write_documents(folder, documents.documents())
    texts = [path.read_text(encoding="utf-8") for path in folder.iterdir()]
    assert len(texts) == written
    by_title = {text.partition("\n")[0].removeprefix("# "): text for text in texts}
    assert len(by_title) == written
    return by_title


def test_there_are_enough_subjects() -> None:
    assert len(SUBJECTS) >= 64
    assert len({subject.id for subject in SUBJECTS}) == len(SUBJECTS)
    assert len({subject.title for subject in SUBJECTS}) == len(SUBJECTS)


@every_subject
def test_a_subject_is_asked_in_many_ways(subject: Subject) -> None:
    assert subject.id.isidentifier()
    assert subject.id.islower()
    assert len(subject.asked) >= 12
    assert 4 <= len(subject.again) <= 5
    for phrase in subject.asked + subject.again:
        assert 0 < len(phrase) <= 400
        assert phrase == phrase.strip()


def test_no_phrasing_comes_twice() -> None:
    turns = load_turns()
    around = turns.negations + turns.refusals + turns.thanks + turns.clarifications
    phrases = [phrase for subject in SUBJECTS for phrase in subject.asked + subject.again]
    counts = Counter(folded(phrase) for phrase in (*phrases, *around))
    assert [phrase for phrase, count in counts.items() if count > 1] == []


def test_there_are_enough_turns() -> None:
    turns = load_turns()
    assert len(turns.negations) >= 25
    assert len(turns.refusals) >= 8
    assert len(turns.thanks) >= 10
    assert len(turns.clarifications) >= 6


def test_loading_twice_gives_the_same() -> None:
    assert load_subjects() == SUBJECTS
    assert load_turns() == load_turns()


@every_subject
def test_every_answer_is_a_document(subject: Subject, pages: dict[str, str]) -> None:
    assert subject.module in MODULES
    assert 1 <= len(set(subject.answer)) == len(subject.answer) <= 6
    assert any(f"{name}.".startswith(f"{subject.module}.") for name in subject.answer)
    for name in subject.answer:
        docstring = inspect.cleandoc(resolve_name(name).__doc__ or "").strip()
        assert len(docstring) >= 80, name
        assert docstring in pages[name], name


def written_elsewhere(folder: Path, *, seed: int) -> dict[str, bytes]:
    """Write all documents in a fresh interpreter, which must neither print nor warn nor load what has effects."""
    script = (
        "import sys; from pathlib import Path; from kaizen_worker.helpdesk.documents import documents, write_documents;"
        "write_documents(Path(sys.argv[1]), documents());"
        f"sys.exit(', '.join(sorted(set({UNWANTED!r}) & set(sys.modules))) or 0)"
    )
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(folder / "documents")],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {path.name: path.read_bytes() for path in (folder / "documents").iterdir()}


def test_documents_are_the_same_in_every_process(tmp_path: Path) -> None:
    """Neither hash seed nor environment nor working directory changes a byte."""
    first, second = (written_elsewhere(tmp_path / f"run{seed}", seed=seed) for seed in (1, 2))
    assert len(first) > 1000
    assert first == second


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    modules = ("csv", "json", "queue", "re")
    first, again = documents.documents(modules), documents.documents(modules[::-1])
    assert write_documents(tmp_path / "a", first) == write_documents(tmp_path / "b", again)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / run).iterdir()} for run in "ab")
    assert first == second


def test_file_names_differ_by_more_than_case() -> None:
    chosen = list(documents.documents(("asyncio", "re")))
    assert {"re.match", "re.Match", "asyncio.timeout", "asyncio.Timeout"} <= {document.title for document in chosen}
    assert len({document.name.casefold() for document in chosen}) == len(chosen)


def test_a_class_keeps_its_short_methods_and_sends_the_long_ones_out() -> None:
    found = {document.title: document.text for document in documents.documents(("threading",))}
    assert "## set\n" not in found["threading.Event.wait"]
    assert "## is_set\n" in found["threading.Event"]
    assert "## wait\n" not in found["threading.Event"]
    assert found["threading.Event.wait"].startswith("```python\nwait(self, timeout=None)\n```\n\n")


def test_what_goes_by_several_names_comes_once() -> None:
    titles = [document.title for document in documents.documents(("builtins", "io", "pdb", "random", "socket"))]
    assert len(set(titles)) == len(titles)
    assert {"builtins.open", "random.choices", "pdb.Pdb.do_break", "socket.socket.recv"} <= set(titles)
    assert {"io.open", "random.Random.choices", "pdb.Pdb.do_b", "socket.SocketType"}.isdisjoint(titles)


def test_a_signature_shows_nothing_of_this_process(pages: dict[str, str]) -> None:
    assert "shutdown(handlerList=...)" in pages["logging.shutdown"]
    assert [title for title, text in pages.items() if " at 0x7" in text] == []


def test_a_module_outside_the_list_is_refused() -> None:
    with pytest.raises(ValueError, match="antigravity"):
        next(documents.documents(("json", "antigravity")))


def test_a_module_this_platform_lacks_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MODULES", ("no_such_module", "bisect"))
    assert {document.title.partition(".")[0] for document in documents.documents()} == {"bisect"}
