import random
import subprocess
import sys
import threading
from pathlib import Path

from kaizen_worker.store.archive import archives, read, write

CUTOFF = 1_740_787_200_000_000
KILLS = 12


def test_no_kill_leaves_a_torn_archive(tmp_path):
    draw = random.Random(7)
    for _ in range(KILLS):
        program = [sys.executable, str(Path(__file__).with_name("rotating.py")), str(tmp_path), str(CUTOFF)]
        with subprocess.Popen(program, stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            killer = threading.Timer(draw.uniform(0, 0.15), writer.kill)
            killer.start()
            writer.wait()
        (path,) = archives(tmp_path)
        (_, lines), (_, turns) = ((part.label, list(found)) for part, found in read(path))
        assert len(lines) == 3_000
        assert {line.split()[0] for line in lines} == {turns[0].strip()}


def test_a_run_after_a_kill_gives_the_bytes_of_an_undisturbed_one(tmp_path):
    program = [sys.executable, str(Path(__file__).with_name("rotating.py")), str(tmp_path / "a"), str(CUTOFF)]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        writer.kill()
    for folder in ("a", "b"):
        write(tmp_path / folder, kind="notes", cutoff=CUTOFF, parts=[("a", [b"1\n"])])
    assert files(tmp_path / "a") == files(tmp_path / "b")


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}
