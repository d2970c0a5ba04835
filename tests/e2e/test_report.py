"""The same log gives the same report to the byte, however many workers, in whatever order, and nothing stays behind."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from kaizen_worker.helpdesk import load_subjects

COUNT = 600
SAME = ("assignments.jsonl", "topics.json")


def make_rows():
    """Questions as people ask them, some more than once, each at a time of its own; every other one has an id.

    Those without have no user either: users are hashed with a key out of the file, which its order would change.
    """
    draw = random.Random(11)
    questions = [question for subject in load_subjects()[:36] for question in (*subject.asked, *subject.again)]
    start = datetime(2026, 3, 1, 8, tzinfo=UTC)
    rows = []
    for number in range(COUNT):
        row = {
            "query": draw.choice(questions),
            "occurred_at": (start + timedelta(seconds=40 * number)).isoformat(),
            "session_id": f"session {number // 3}",
            "response_time": round(draw.expovariate(1), 3),
        }
        rows.append({"id": f"r{number}", "user_id": f"user {draw.randrange(90)}", **row} if number % 2 else row)
    return rows


@pytest.fixture(scope="module")
def home(home_of):
    return home_of()


@pytest.fixture(scope="module")
def report(home):
    """Makes a report of rows: (summary, folder of its files)."""

    def make(rows, name, *options):
        log = home.folder / f"{name}.jsonl"
        log.write_text("".join(json.dumps(row) + "\n" for row in rows))
        summary = home.run("report", log, "--out", home.folder / name, *options)
        assert home.processes() == []
        assert home.leftovers() == []
        return summary, home.folder / name

    return make


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@pytest.fixture(scope="module")
def first(report, rows):
    return report(rows, "first", "--workers", "1")


def test_every_accepted_interaction_is_assigned_or_noise_once(first, rows):
    summary, folder = first
    assigned = [json.loads(line) for line in (folder / "assignments.jsonl").read_text().splitlines()]
    ids = [row["id"] for row in assigned]
    assert summary["accepted"] == len(ids) == len(set(ids)) == COUNT
    assert {row["id"] for row in rows if "id" in row} <= set(ids)
    topics = json.loads((folder / "topics.json").read_text())
    assert {row["topic"] for row in assigned} - {None} == {topic["id"] for topic in topics}
    assert sum(row["topic"] is None for row in assigned) == summary["cycle"]["noise"] < COUNT / 2
    assert summary["cycle"]["topics"] == len(topics) > 10


@pytest.mark.parametrize(("workers", "shuffled"), [(4, False), (2, True)])
def test_again_with_other_workers_in_another_order_it_is_the_same(report, rows, first, workers, shuffled):
    given = random.Random(5).sample(rows, COUNT) if shuffled else rows
    _, folder = report(given, f"with {workers}", "--workers", workers)
    for file in SAME:
        assert (folder / file).read_bytes() == (first[1] / file).read_bytes(), file
