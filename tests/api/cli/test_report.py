"""`kaizen report` with a real server and real workers."""

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kaizen_api.stack import running

FILES = ("assignments.jsonl", "topics.json", "insights.json", "gaps.json", "report.json", "report.html")
SUBJECTS = {
    "card": ("my card has not arrived yet", "when will the new card come", "the card is still not here"),
    "refund": ("I want my money back", "how do I get a refund for this", "please refund the last payment"),
    "pin": ("I forgot my pin code", "how do I change the pin", "my pin is blocked after three tries"),
}


@pytest.fixture
def log(tmp_path):
    """240 interactions in three subjects without ids or times, and one line that is none."""
    rows = []
    for number in range(240):
        subject = sorted(SUBJECTS)[number % 3]
        query = f"{SUBJECTS[subject][number // 3 % 3]} since day {number // 9}"
        row = {"query": query, "user_id": f"user {number % 50}", "response_time": 5.0 if subject == "pin" else 0.5}
        rows.append(json.dumps(row))
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join([*rows, "{broken"]) + "\n")
    return path


@pytest.fixture
def shell(tmp_path):
    """The environment of a user whose temporary files lie in a folder of their own."""
    (tmp_path / "tmp").mkdir()
    home = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp"), "PATH": os.environ["PATH"]}
    return {**home, "KAIZEN_EMBEDDER": "static", "OMP_NUM_THREADS": "1"}


def command(*args):
    return [sys.executable, "-m", "kaizen_api.cli", "report", *(str(arg) for arg in args), "--json"]


def test_the_same_log_gives_the_same_report_and_leaves_nothing(log, shell, tmp_path):
    summaries = []
    for workers in ("1", "2"):
        args = command(log, "--out", tmp_path / workers, "--workers", workers)
        done = subprocess.run(args, env=shell, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        summaries.append(json.loads(done.stdout))
    summary = summaries[0]
    assert {name: summary[name] for name in ("accepted", "refused", "dead_letters")} == {
        "accepted": 240,
        "refused": 1,
        "dead_letters": 0,
    }
    assert (summary["untimed"], summary["looks_like_occurred_at"]) == (240, None)
    assert summary["cycle"]["status"] == "done"
    assert summary["cycle"]["interactions"] == 240
    assert len((tmp_path / "1" / "assignments.jsonl").read_text().splitlines()) == 240
    assert sorted(path.name for path in (tmp_path / "1").iterdir()) == sorted(FILES)
    for name in FILES:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name
    assert list((tmp_path / "tmp").iterdir()) == []
    assert running(tmp_path / ".local/share/kaizen") is None
    assert not (tmp_path / ".local").exists()


def test_killed_it_leaves_nothing_either(log, shell, tmp_path, wait_until):
    temporary = tmp_path / "tmp"
    args = command(log, "--out", tmp_path / "out")
    with subprocess.Popen(
        args, env=shell, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        wait_until(lambda: list(temporary.glob("kaizen-*/redis.sock")))
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: list(temporary.iterdir()) == [])
    mark = str(temporary).encode()
    wait_until(lambda: [pid for pid in Path("/proc").glob("[0-9]*") if mark in _environment(pid)] == [])


def _environment(process):
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def test_times_under_another_name_are_told(shell, tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f'{{"query": "q {number}", "time": {1.7e9 + number}}}\n' for number in range(12)))
    args = command(log, "--out", tmp_path / "out")[:-1]
    done = subprocess.run(args, env=shell, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (
        "no `occurred_at` in 12 of 12 interactions: they count as of one moment, in the order of the log; "
        "`time` looks like it: give it that name, and report again\n" in done.stdout
    )


def test_a_log_without_interactions_fails_and_leaves_nothing(shell, tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"query": " "}\n')
    done = subprocess.run(command(log), env=shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no interactions to analyse" in json.loads(done.stdout)["error"]
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "kaizen-report").exists()


def test_a_truncated_gzip_fails_with_a_report_of_what_could_be_read(log, shell, tmp_path):
    packed = gzip.compress(log.read_bytes() + os.urandom(40_000).hex().encode())
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    args = command(path, "--out", tmp_path / "out")
    done = subprocess.run(args, env=shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    summary = json.loads(done.stdout)
    assert summary["accepted"] == 240
    (unread,) = summary["unread"]
    assert unread["place"].startswith(str(path))
    assert "copy the log again" in unread["reason"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(FILES)
