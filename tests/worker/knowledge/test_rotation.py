import asyncio
import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from zoneinfo import ZoneInfo

import pytest

from kaizen_api.errors import Invalid, Unavailable
from kaizen_worker.knowledge import KnowledgeBaseRotator
from kaizen_worker.knowledge.rotation import _records, restore_files
from kaizen_worker.store.archive import archives, verify, write

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def kb(tmp_path):
    path = tmp_path / "kb.jsonl"
    path.write_bytes(b'{"q": "PIN?"}\n\n{"q": "card?"}\n')
    return path


def contents(archive, folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in restore_files(archive, folder)}


async def test_a_file_is_archived_and_left_as_it_is(kb, tmp_path):
    before = kb.read_bytes()
    done = await KnowledgeBaseRotator(kb, keep_days=30).rotate_if_needed()
    assert (done.outcome, done.records, done.pruned) == ("rotated", 3, ())
    assert kb.read_bytes() == before
    assert contents(done.archive, tmp_path / "back") == {"kb.jsonl": before}


async def test_once_a_day_and_again_where_the_archive_is_damaged(kb, clock):
    rotator = KnowledgeBaseRotator(kb, now=clock)
    first = await rotator.rotate_if_needed()
    whole = first.archive.read_bytes()
    clock.now += timedelta(hours=11)
    again = await rotator.rotate_if_needed()
    assert (again.outcome, again.archive, again.records) == ("current", first.archive, 3)
    first.archive.write_bytes(b"damaged")
    assert (await rotator.rotate_if_needed()).outcome == "rotated"
    assert first.archive.read_bytes() == whole
    clock.now += timedelta(hours=1)
    assert (await rotator.rotate_if_needed()).outcome == "rotated"
    assert len(archives(rotator.archives_path)) == 2


async def test_the_day_is_that_of_utc(kb, clock):
    clock.now = datetime(2025, 3, 2, 1, tzinfo=timezone(timedelta(hours=2)))
    done = await KnowledgeBaseRotator(kb, now=clock).rotate_if_needed()
    assert "20250301T" in done.archive.name


@pytest.mark.parametrize(
    ("zone", "times", "days"),
    [
        # an hour of summer time is skipped at two, and at midnight itself; the day before has 24 hours
        ("Europe/Berlin", ["2025-03-29T22:59Z", "2025-03-29T23:00Z", "2025-03-30T21:59Z", "2025-03-30T22:00Z"], "abbc"),
        ("Africa/Cairo", ["2025-04-24T21:59Z", "2025-04-24T22:00Z", "2025-04-25T20:59Z", "2025-04-25T21:00Z"], "abbc"),
        # an hour comes twice: at three, from one back to midnight, and from midnight back to the day before
        ("Europe/Berlin", ["2025-10-25T21:59Z", "2025-10-25T22:00Z", "2025-10-26T22:59Z", "2025-10-26T23:00Z"], "abbc"),
        (
            "America/Havana",
            ["2025-11-02T03:59Z", "2025-11-02T04:30Z", "2025-11-02T05:30Z", "2025-11-03T05:01Z"],
            "abbc",
        ),
        ("Africa/Cairo", ["2025-10-30T20:59Z", "2025-10-30T21:30Z", "2025-10-30T22:00Z", "2025-10-31T22:00Z"], "aabc"),
        ("Pacific/Kiritimati", ["2025-03-01T09:59Z", "2025-03-01T10:00Z"], "ab"),
    ],
)
async def test_a_day_is_the_date_of_the_zone_through_summer_time(kb, clock, zone, times, days):
    """Each moment rotates just where a date begins; the letters name the archive that is then today's."""
    rotator = KnowledgeBaseRotator(kb, zone=ZoneInfo(zone), now=clock)
    names = []
    for time in times:
        clock.now = datetime.fromisoformat(time)
        done = await rotator.rotate_if_needed()
        assert done.outcome == ("current" if done.archive.name in names else "rotated")
        names.append(done.archive.name)
    distinct = sorted(set(names), key=names.index)
    assert "".join("abc"[distinct.index(name)] for name in names) == days
    assert names == sorted(names)


async def test_keep_days_are_days_of_the_zone(kb, clock):
    clock.now = datetime(2025, 3, 26, 23, 30, tzinfo=UTC)  # the 27th in Berlin
    rotator = KnowledgeBaseRotator(kb, keep_days=3, zone=ZoneInfo("Europe/Berlin"), now=clock)
    await rotator.rotate_if_needed()
    clock.now = datetime(2025, 3, 30, 21, 0, tzinfo=UTC)  # the 30th, of 23 hours
    assert (await rotator.rotate_if_needed()).pruned == ()
    clock.now = datetime(2025, 3, 30, 22, 30, tzinfo=UTC)  # the 31st
    assert len((await rotator.rotate_if_needed()).pruned) == 1


async def test_day_keep_days_plus_one_is_pruned(kb, clock):
    rotator = KnowledgeBaseRotator(str(kb), keep_days=7, now=clock)
    pruned = []
    for _ in range(9):
        pruned.append((await rotator.rotate_if_needed()).pruned)
        clock.now += timedelta(days=1)
    assert [len(names) for names in pruned] == [0] * 8 + [1]
    assert "20250301T" in pruned[-1][0]
    assert len(archives(rotator.archives_path)) == 8


async def test_a_folder_with_its_files(tmp_path):
    folder = tmp_path / "kb"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.json").write_text(json.dumps({"a": [1, 2]}, indent=2))
    (folder / "deep" / "a.jsonl").write_text("1\n2")
    (folder / "notes.txt").write_text("no")
    done = await KnowledgeBaseRotator(folder).rotate_if_needed()
    assert [part.label for part in verify(done.archive).parts] == ["b.json", "deep/a.jsonl"]
    assert contents(done.archive, tmp_path / "back")["deep/a.jsonl"] == b"1\n2"
    with pytest.raises(Invalid, match="empty folder"):
        restore_files(done.archive, tmp_path / "back")


async def test_nothing_there_is_said(tmp_path):
    done = await KnowledgeBaseRotator(tmp_path / "kb.json").rotate_if_needed()
    assert (done.outcome, done.archive) == ("absent", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text", "place"), [("kb.jsonl", "1\n{\n", "kb.jsonl, line 2"), ("kb.json", "[1", "kb.json: not JSON")]
)
async def test_what_is_not_whole_is_not_archived(tmp_path, name, text, place):
    (tmp_path / name).write_text(text)
    rotator = KnowledgeBaseRotator(tmp_path / name)
    with pytest.raises(Invalid, match=place):
        await rotator.rotate_if_needed()
    assert archives(rotator.archives_path) == []


@pytest.mark.parametrize("change", [lambda kb: kb.write_bytes(b"1\n"), lambda kb: kb.unlink()])
def test_what_changes_while_it_is_read_is_not_archived(kb, change):
    def parts():
        records = _records(kb, kb.name)
        yield kb.name, chain([next(records)], map(altered, records))

    def altered(piece):
        if kb.exists():
            change(kb)
        return piece

    with pytest.raises(Unavailable, match="while it was read"):
        write(kb.parent, kind=kb.name, cutoff=1, parts=parts())
    assert archives(kb.parent) == []


async def test_racing_rotations_make_one_archive(kb, clock):
    rotators = [KnowledgeBaseRotator(kb, now=clock) for _ in range(4)]
    done = await asyncio.gather(*(rotator.rotate_if_needed() for rotator in rotators))
    assert {rotation.archive for rotation in done} == set(archives(rotators[0].archives_path))
    assert len({rotation.archive for rotation in done}) == 1


def test_keep_days_must_be_positive(kb):
    with pytest.raises(Invalid, match="keep_days"):
        KnowledgeBaseRotator(kb, keep_days=0)


async def test_a_link_to_nowhere_is_no_file(tmp_path):
    folder = tmp_path / "kb"
    folder.mkdir()
    (folder / "a.json").write_text("1")
    (folder / "b.json").symlink_to("nowhere")
    done = await KnowledgeBaseRotator(folder).rotate_if_needed()
    assert done.records == 1
