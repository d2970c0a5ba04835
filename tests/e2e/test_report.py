"""The same log gives the same report to the byte, however many workers, in whatever order, and nothing stays behind."""

import dataclasses
import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from kaizen_worker.helpdesk import load_subjects

COUNT = 600
SAME = ("assignments.jsonl", "topics.json")
FOUND = ("insights.json", "gaps.json")
REFUSED, BROKEN = (2, 11, 23), (5, 17)
"""Subjects that are never answered, and that time out now and then."""


def make_rows():
    """Questions as people ask them, some more than once, each at a time of its own; every other one has an id.

    Those without have no user either: users are hashed with a key out of the file, which its order would change.
    """
    draw = random.Random(11)
    subjects = enumerate(load_subjects()[:36])
    questions = [(number, text) for number, subject in subjects for text in (*subject.asked, *subject.again)]
    start = datetime(2026, 3, 1, 8, tzinfo=UTC)
    rows = []
    for number in range(COUNT):
        subject, question = draw.choice(questions)
        row = {
            "query": question,
            "response": "Sorry, I don't have information about that." if subject in REFUSED else "You do it so.",
            "feedback": -1.0 if subject in REFUSED and number % 4 == 0 else None,
            "error": "timeout" if subject in BROKEN and number % 3 else None,
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

    def make(rows, name, *options, by=home):
        log = home.folder / f"{name}.jsonl"
        log.write_text("".join(json.dumps(row) + "\n" for row in rows))
        summary = by.run("report", log, "--out", home.folder / name, *options)
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


@pytest.mark.parametrize("varied", [(4, False, 200), (2, True, 200), (4, True, 17)], ids=str)
def test_again_with_other_workers_in_another_order_and_other_batches_it_is_the_same(report, home, rows, first, varied):
    workers, shuffled, batch_size = varied
    given = random.Random(5).sample(rows, COUNT) if shuffled else rows
    other = dataclasses.replace(home, settings={**home.settings, "KAIZEN_BATCH_SIZE": str(batch_size)})
    _, folder = report(given, f"with {workers} {batch_size}", "--workers", workers, by=other)
    for file in SAME:
        assert (folder / file).read_bytes() == (first[1] / file).read_bytes(), file
    for file in FOUND:
        found, expected = (untimed(json.loads((one / file).read_text())) for one in (folder, first[1]))
        assert found == expected, file
        assert found, file


def untimed(found):
    """Without the times at which an analysis said so: ids, types, texts, numbers, evidence and states are left."""
    if isinstance(found, dict):
        return {name: untimed(value) for name, value in found.items() if name not in {"at", "seen_at"}}
    return [untimed(value) for value in found] if isinstance(found, list) else found
