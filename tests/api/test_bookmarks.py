import pytest

from kaizen_api.bookmarks import Bookmark, Bookmarks
from kaizen_api.config import KaizenConfig

MARK = Bookmark(offset=5, accepted=1, duplicate=2, refused=3)


def config(tmp_path, **changed):
    return KaizenConfig(**{"redis_url": "redis://localhost", "data_dir": tmp_path / "data", **changed})


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"query": "a"}\n')
    return path


@pytest.fixture
def log(path):
    """The open log's file descriptor."""
    with path.open("rb") as stream:
        yield stream.fileno()


def test_another_process_goes_on_where_one_was(tmp_path, log):
    Bookmarks(config(tmp_path)).put(log, MARK)
    assert Bookmarks(config(tmp_path)).of(log) == MARK


def test_a_log_that_is_done_has_none(tmp_path, log):
    marks = Bookmarks(config(tmp_path))
    marks.put(log, MARK)
    marks.drop(log)
    marks.drop(log)
    assert marks.of(log) is None


def test_a_log_that_grew_or_moved_keeps_its_own(tmp_path, path, log):
    marks = Bookmarks(config(tmp_path))
    marks.put(log, MARK)
    with path.open("a") as stream:
        stream.write("more")
    with path.rename(tmp_path / "elsewhere").open("rb") as stream:
        assert marks.of(stream.fileno()) == MARK


def test_a_log_that_takes_its_name_does_not_get_its_bookmark(tmp_path, path, log):
    marks = Bookmarks(config(tmp_path))
    path.rename(tmp_path / "elsewhere")
    path.write_text('{"query": "a"}\n')
    marks.put(log, MARK)
    with path.open("rb") as stream:
        assert marks.of(stream.fileno()) is None
    assert marks.of(log) == MARK


@pytest.mark.parametrize("change", [{"tenant": "acme"}, {"redis_url": "redis://elsewhere"}])
def test_another_tenant_or_server_begins_anew(tmp_path, log, change):
    Bookmarks(config(tmp_path)).put(log, MARK)
    assert Bookmarks(config(tmp_path, **change)).of(log) is None


def test_another_log_in_its_place_begins_anew(tmp_path, path, log):
    marks = Bookmarks(config(tmp_path))
    marks.put(log, MARK)
    path.write_text('{"query": "b"}\n')
    assert marks.of(log) is None


def test_a_damaged_file_of_bookmarks_is_none(tmp_path, log):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "pushed.json").write_text("{")
    assert Bookmarks(config(tmp_path)).of(log) is None
