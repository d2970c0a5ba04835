"""Rotation under `kill -9` at random points, and what a hundred thousand entries cost it."""

import multiprocessing
import random
import resource
import time
from datetime import UTC, datetime, timedelta
from itertools import chain

import msgspec
import pytest

from kaizen_api.schema import Entry, Insight, Interval, Provenance, Step
from kaizen_worker.engine import daily
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.knowledge import snapshots
from kaizen_worker.knowledge.making import Document, from_document
from kaizen_worker.store import archive

KILLS = 200
ENTRIES = 3_000
STORED = 100
NOW = datetime.now(UTC).replace(hour=12)
FORK = multiprocessing.get_context("fork")
MEGABYTE = 1 << 20


def insight(number):
    effect = Interval(estimate=1.0, low=0.0, high=2.0, unit="s")
    says = {"description": "slow", "confidence": 0.9, "effect": effect, "evidence": [], "recommendation": "look"}
    return Insight(id=f"i{number:05}", type="performance", seen_at=number, status="no_effect", **says)


def rotate(config, run):
    daily.rotate(Runtime(config).tenant("default"), now=NOW + timedelta(milliseconds=run))


def started(config, run):
    process = FORK.Process(target=rotate, args=(config, run))
    process.start()
    return process


def undisturbed_seconds(config):
    """How long a whole rotation takes in a process of its own, its start included, as those that are killed."""
    begun = time.monotonic()
    process = started(config, 0)
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - begun


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def archived(folder, kind):
    """What is in the archives of a kind, all of which must verify."""
    found = [path for path in archive.archives(folder) if path.name.startswith(f"{kind}-")]
    return [list(chain(*(list(lines) for part, lines in archive.read(path) if part.label == kind))) for path in found]


@pytest.mark.timeout(1800)
def test_no_kill_tears_loses_or_doubles_anything(config, redis, tmp_path):
    config = config.model_copy(update={"max_insights_stored": STORED})
    tenant, draw = Runtime(config, redis).tenant("default"), random.Random(5)
    for number in range(ENTRIES):
        entry = from_document(Document(title=f"{number}", text=draw.randbytes(200).hex()), at=1)
        tenant.entries.add(entry)
    before = list(tenant.entries.export())
    known = 0
    usual = undisturbed_seconds(config)
    outcomes = {"absent": 0, "complete": 0}
    for kill in range(KILLS):
        if kill % 4 == 0:
            for file in list(tenant.archives.glob("entries-*")):
                file.unlink()
        for _ in range(5):
            tenant.insights.save(insight(known := known + 1), old=None)
        process = started(config, kill + 1)
        process.join(draw.uniform(0, 1.5 * usual))
        process.kill()
        process.join()
        states = archived(tenant.archives, "entries")  # refuses what is torn
        outcomes["complete" if states else "absent"] += 1
        assert all([msgspec.json.decode(line, type=Entry) for line in state] == before for state in states)
        stored = {one.id for one in tenant.insights.all()}
        moved = {msgspec.json.decode(line)["id"] for line in chain(*archived(tenant.archives, "insights"))}
        assert stored | moved == {f"i{number:05}" for number in range(1, known + 1)}
    assert min(outcomes.values()) >= KILLS // 20  # kills before an archive is published, and after
    rotate(config, KILLS + 1)
    assert list(tenant.entries.export()) == before
    (path,) = (path for path in archive.archives(tenant.archives) if path.name.startswith("entries-"))
    again = snapshots.archive(iter(before), tmp_path / "undisturbed", cutoff=archive.verify(path).cutoff)
    undisturbed = files(again.parent)
    assert {name: content for name, content in files(tenant.archives).items() if name in undisturbed} == undisturbed
    assert list(snapshots.restore(path)) == before
    assert not list(tenant.archives.glob(".kaizen-tmp-*"))
    print(f"\n{KILLS} kills within 1.5 times the {usual * 1000:.0f} ms of a whole run: {outcomes}, none torn;", end=" ")
    print("the last run as undisturbed")


def entries(count):
    draw = random.Random(3)
    text = draw.randbytes(1_000).hex()
    for number in range(count):
        at = 1 + number
        where = Provenance(source="import", retrieved_at=at, content_hash=f"{number:064}")
        yield Entry(
            id=f"e{number:016}",
            title=f"Entry {number}",
            text=f"{number} {text[number % 1000 :]}",
            provenance=where,
            history=[Step(at=at, event="active")],
        )


def rotate_many(count, folder, pipe):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    path = snapshots.archive(entries(count), folder, cutoff=NOW_MICROS)
    found = sum(1 for _ in snapshots.restore(path))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024
    pipe.send((found, time.monotonic() - started, grown, sum(map(len, files(folder).values()))))


NOW_MICROS = int((NOW + timedelta(days=1)).timestamp()) * 1_000_000


@pytest.mark.timeout(1800)
def test_a_hundred_thousand_entries_take_no_more_memory_than_ten_thousand(tmp_path):
    print()
    grown = {}
    for count in (10_000, 100_000):
        there, here = FORK.Pipe()
        process = FORK.Process(target=rotate_many, args=(count, tmp_path / str(count), here))
        process.start()
        found, seconds, grown[count], size = there.recv()
        process.join()
        assert found == count
        print(
            f"{count} entries: {seconds:.1f} s to archive, verify and restore, {size / MEGABYTE:.1f} MB, "
            f"{grown[count] / MEGABYTE:.1f} MB more memory at the peak"
        )
    assert grown[100_000] <= grown[10_000] + 16 * MEGABYTE
