"""Shadow mode on 13,083 real questions with the default embedder: to the byte the same, whoever does the work.

Prints seconds, topics, noise, and how well the topics agree with the intents that people gave the questions.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import normalized_mutual_info_score

RUNS = {"1 worker": ("1", "0"), "4 workers": ("4", "0"), "1 worker again": ("1", "0"), "another seed": ("2", "1")}
SAME = ("assignments.jsonl", "topics.json")
FILES = {*SAME, "insights.json", "gaps.json", "report.json", "report.html"}
START = 1_767_225_600

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def questions(data):
    lines = (data / "banking77.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def folder(questions, tmp_path_factory):
    """A log of the questions, a minute apart."""
    folder = tmp_path_factory.mktemp("report")
    rows = (
        {"id": f"b{number}", "query": question["text"], "occurred_at": _time(number)}
        for number, question in enumerate(questions)
    )
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def _time(minute):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + 60 * minute))


@pytest.fixture(scope="module")
def runs(folder):
    """Run → (summary, seconds)."""
    return {name: run(folder, name, *arguments) for name, arguments in RUNS.items()}


def run(folder: Path, name: str, workers: str, seed: str):
    for part in ("home", "tmp"):
        (folder / part).mkdir(exist_ok=True)
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "kaizen_api.cli", "report", "log.jsonl", "--out", name, "--json"]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--workers", workers, "--seed", seed],
        cwd=folder,
        env={**own, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert [str(path) for part in ("home", "tmp") for path in (folder / part).rglob("*")] == []
    return json.loads(done.stdout), time.monotonic() - began


def assigned(folder, name):
    return [json.loads(line) for line in (folder / name / "assignments.jsonl").read_text().splitlines()]


def accuracy(labels, topics):
    """Share of all questions that are in the topic matched to their intent, one to one for the most; noise is wrong."""
    pairs = Counter((label, topic) for label, topic in zip(labels, topics, strict=True) if topic is not None)
    names, codes = (sorted(set(values)) for values in zip(*pairs, strict=True))
    table = np.zeros((len(names), len(codes)), dtype=np.int64)
    for (label, topic), count in pairs.items():
        table[names.index(label), codes.index(topic)] = count
    return table[linear_sum_assignment(-table)].sum() / len(labels)


def test_every_question_is_assigned_or_noise_once(runs, folder, questions):
    for name, (summary, _) in runs.items():
        rows = assigned(folder, name)
        assert [row["id"] for row in rows] == [f"b{number}" for number in range(len(questions))]
        assert summary["accepted"] == summary["cycle"]["interactions"] == len(questions)
        assert summary["cycle"]["noise"] == sum(row["topic"] is None for row in rows)
        assert {path.name for path in (folder / name).iterdir()} == FILES


@pytest.mark.parametrize("name", ["4 workers", "1 worker again"])
def test_it_is_the_same_to_the_byte(runs, folder, name):
    assert runs
    for file in SAME:
        assert (folder / name / file).read_bytes() == (folder / "1 worker" / file).read_bytes(), file


def test_topics_agree_with_intents(runs, folder, questions):
    labels = [question["label"] for question in questions]
    for name, (summary, seconds) in runs.items():
        topics, cycle = [row["topic"] for row in assigned(folder, name)], summary["cycle"]
        agreement = normalized_mutual_info_score(labels, [topic or "noise" for topic in topics])
        matched = accuracy(labels, topics)
        sys.stdout.write(
            f"\n{name:<15} {seconds:6.1f} s  {cycle['topics']} topics of {len(set(labels))} intents  "
            f"noise {cycle['noise'] / len(labels):.1%}  ACC {matched:.3f}  NMI {agreement:.3f}"
        )
        assert agreement > 0.7
        assert matched > 0.5
