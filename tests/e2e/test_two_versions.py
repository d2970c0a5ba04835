"""Two versions at once on one Redis, as during an upgrade and a rollback: each works on what the other wrote.

The earlier version is a commit of this repository, unpacked beside it and run by the same interpreter.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EARLIER = "1749a6d"

PLAY = Path(__file__).with_name("play.py")


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """The earlier version's folder."""
    folder = tmp_path_factory.mktemp("earlier")
    packed = subprocess.run(["git", "archive", EARLIER], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"the checkout has no commit {EARLIER}")
    subprocess.run(["tar", "x", "-C", folder], input=packed.stdout, check=True)
    return folder


@pytest.fixture
def play(earlier, server, redis, tmp_path):
    """Pushes and analyses with one of the versions; gives what it then sees."""
    assert redis.dbsize() == 0
    folders = {"earlier": earlier, "present": ROOT}

    def run(version, *, begin=0):
        variables = {
            **os.environ,
            "PYTHONPATH": str(folders[version]),
            "KAIZEN_REDIS_URL": server,
            "KAIZEN_DATA_DIR": str(tmp_path),
            "KAIZEN_EMBEDDER": "static",
            "KAIZEN_USE_CELERY_TASKS": "false",
        }
        command = [sys.executable, "-P", str(PLAY), str(begin), "60"]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr[-3000:]
        seen = json.loads(done.stdout)
        assert seen["from"].startswith(str(folders[version]))
        return seen

    return run


@pytest.mark.parametrize("order", [("earlier", "present"), ("present", "earlier")], ids=["upgrade", "rollback"])
def test_each_goes_on_with_what_the_other_left(play, order):
    first = play(order[0])
    assert (first["status"], first["interactions"], first["waits"]) == ("done", 60, 0)
    second = play(order[1], begin=60)
    assert (second["status"], second["interactions"], second["waits"]) == ("done", 120, 0)
    assert set(first["topics"]) & set(second["topics"]), "topics keep their ids"
    for kind, ids in first["found"].items():
        assert set(ids) <= set(second["found"][kind]), f"no {kind} of the other is lost"
    back = play(order[0], begin=120)
    assert (back["status"], back["interactions"], back["waits"]) == ("done", 180, 0)
