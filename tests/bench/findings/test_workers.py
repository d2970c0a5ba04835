"""The same report with 1, 2 and 4 workers: its time, from the start of its processes to their end, and equal results.

The log is 13,083 real questions and the embedder `fast`: the transformer's 3,000 texts and all the others are embedded
in the cycle, shared by idle workers. How much that gains depends on the cores: as many as workers, or it gains nothing.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

WORKERS = (1, 2, 4)
SAME = ("assignments.jsonl", "topics.json")
FOUND = ("insights.json", "gaps.json")
START = 1_767_225_600

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    """A log of questions, one in twelve refused."""
    folder = tmp_path_factory.mktemp("workers")
    with (folder / "log.jsonl").open("w") as log:
        for number, line in enumerate((data / "banking77.jsonl").read_text().splitlines()):
            question = json.loads(line)
            refused = sum(question["label"].encode()) % 12 == 0
            row = {
                "id": f"b{number}",
                "query": question["text"],
                "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + 60 * number)),
                "response": "Sorry, I don't have information about that." if refused else "You do it so.",
                "session_id": f"s{number}",
            }
            log.write(json.dumps(row) + "\n")
    return folder


def run(folder: Path, workers: int) -> float:
    """Make a report with so many workers; the seconds it took."""
    for part in ("home", "tmp"):
        (folder / part).mkdir(exist_ok=True)
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PATH": os.environ["PATH"]}
    settings = {"KAIZEN_EMBEDDER": "fast", "OMP_NUM_THREADS": "1", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    command = ["report", "log.jsonl", "--out", str(workers), "--json", "--workers", str(workers)]
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "kaizen_api.cli", *command],
        cwd=folder,
        env={**own, **settings},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - began


def untimed(found):
    if isinstance(found, dict):
        return {name: untimed(value) for name, value in found.items() if name not in {"at", "seen_at"}}
    return [untimed(value) for value in found] if isinstance(found, list) else found


def test_more_workers_find_the_same_sooner(folder):
    took = {workers: run(folder, workers) for workers in WORKERS}
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for workers, seconds in took.items():
        print(f"{workers} workers: {seconds:.1f} s, {took[1] / seconds:.2f} times as fast as one")
    for workers in WORKERS[1:]:
        for file in SAME:
            assert (folder / "1" / file).read_bytes() == (folder / str(workers) / file).read_bytes(), (workers, file)
        for file in FOUND:
            one, other = (untimed(json.loads((folder / name / file).read_text())) for name in ("1", str(workers)))
            assert one == other, (workers, file)
            assert one, file
