import gzip
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_api.errors import Invalid
from kaizen_worker.store.archive import archives, prune, read, verify, write

DAY = 86_400_000_000
CUTOFF = int(datetime(2025, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000


def save(folder, lines=(b"one\n", b"two\n"), *, kind="notes", cutoff=CUTOFF):
    return write(folder, kind=kind, cutoff=cutoff, parts=[("all", lines)])


def content(path):
    return [(part.label, list(lines)) for part, lines in read(path)]


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_what_was_written_is_read(tmp_path):
    path = write(tmp_path, kind="notes", cutoff=CUTOFF, parts=[("a", [b"1\n", b"2\n"]), ("b", []), ("c", [b"3"])])
    assert path.name == "notes-20250301T000000.000000Z.manifest.json"
    assert content(path) == [("a", [b"1\n", b"2\n"]), ("b", []), ("c", [b"3"])]
    assert verify(path).count == 3
    assert [part.count for part in verify(path).parts] == [2, 0, 1]


def test_parts_are_plain_gzip(tmp_path):
    path = save(tmp_path)
    with gzip.open(tmp_path / verify(path).parts[0].name) as part:
        assert part.read() == b"one\ntwo\n"


def test_the_same_content_and_cut_off_give_the_same_bytes(tmp_path):
    first, second = save(tmp_path / "a"), save(tmp_path / "b")
    again = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    save(tmp_path / "a")
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == again
    assert {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()} == again
    assert first.name == second.name


def test_other_content_under_the_same_cut_off_replaces_the_archive(tmp_path):
    save(tmp_path)
    path = save(tmp_path, [b"three\n"])
    assert content(path) == [("all", [b"three\n"])]
    assert len(names(tmp_path)) == 2


@pytest.mark.parametrize("flip", [0x01, 0x20, 0xFF])
def test_every_single_byte_that_is_altered_is_seen(tmp_path, flip):
    path = save(tmp_path, [b'{"id":"e1"}\n'])
    files = [path, tmp_path / verify(path).parts[0].name]
    for file in files:
        whole = file.read_bytes()
        for position in range(len(whole)):
            altered = bytearray(whole)
            altered[position] ^= flip
            file.write_bytes(altered)
            with pytest.raises(Invalid, match=re.escape(file.name)):
                verify(path)
        file.write_bytes(whole)
    assert verify(path).count == 1


@settings(deadline=None)  # the disk sets the pace
@given(st.data())
def test_every_cut_and_every_addition_is_seen(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("archive")
    path = save(folder)
    file = data.draw(st.sampled_from([path, folder / verify(path).parts[0].name]))
    whole = file.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    file.write_bytes(data.draw(st.sampled_from([whole[:cut], whole + whole[cut:], whole[:cut] + whole[cut + 1 :]])))
    with pytest.raises(Invalid, match=re.escape(file.name)):
        verify(path)


def test_a_lost_part_is_named(tmp_path):
    path = save(tmp_path)
    part = tmp_path / verify(path).parts[0].name
    part.unlink()
    with pytest.raises(Invalid, match=re.escape(part.name)):
        content(path)


def test_a_renamed_archive_is_refused(tmp_path):
    path = save(tmp_path)
    other = path.rename(tmp_path / path.name.replace("2025", "2026"))
    with pytest.raises(Invalid, match="written under"):
        verify(other)


def test_a_writer_that_fails_leaves_the_former_archive(tmp_path):
    path = save(tmp_path)
    before = names(tmp_path)

    def failing():
        yield b"half"
        raise Invalid("enough")

    with pytest.raises(Invalid, match="enough"):
        save(tmp_path, failing())
    assert names(tmp_path) == before
    assert content(path) == [("all", [b"one\n", b"two\n"])]


def test_what_a_killed_writer_left_is_swept_and_nothing_else(tmp_path):
    path = save(tmp_path)
    orphan = tmp_path / path.name.replace(".manifest.json", "-0123456789abcdef.gz")
    temporary = tmp_path / ".kaizen-tmp-1"
    for left in (orphan, temporary, tmp_path / "holiday.gz", tmp_path / "plan.manifest.json"):
        left.write_bytes(b"x")
    save(tmp_path, cutoff=CUTOFF + DAY)
    assert not orphan.exists()
    assert not temporary.exists()
    assert {"holiday.gz", "plan.manifest.json"} < set(names(tmp_path))
    assert len(archives(tmp_path)) == 2


def test_the_parts_of_a_damaged_manifest_stay(tmp_path):
    path = save(tmp_path)
    part = tmp_path / verify(path).parts[0].name
    path.write_bytes(b"{}")
    save(tmp_path, cutoff=CUTOFF + DAY)
    assert part.exists()


def test_past_its_days_an_archive_goes_whole(tmp_path):
    old, kept, new = (save(tmp_path, cutoff=CUTOFF + day * DAY) for day in (0, 1, 31))
    assert prune(tmp_path, before=CUTOFF + DAY) == [old.name]
    assert archives(tmp_path) == [kept, new]
    assert len(names(tmp_path)) == 4
    assert prune(tmp_path, before=CUTOFF + DAY) == []


def test_the_last_good_archive_stays_however_old(tmp_path):
    older, old, bad = (save(tmp_path, cutoff=CUTOFF + day * DAY) for day in (0, 1, 2))
    bad.write_bytes(b"")
    other = save(tmp_path, kind="other", cutoff=CUTOFF)
    assert prune(tmp_path, before=CUTOFF + 99 * DAY) == [older.name, bad.name]
    assert archives(tmp_path) == [old, other]


def test_where_no_archive_is_good_none_goes(tmp_path):
    for day in (0, 1):
        save(tmp_path, cutoff=CUTOFF + day * DAY).write_bytes(b"")
    assert prune(tmp_path, before=CUTOFF + 99 * DAY) == []
    assert len(archives(tmp_path)) == 2
