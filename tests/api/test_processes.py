"""Processes end with the one that started them, `kill -9` included, and leave no folder behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import redis_url
from kaizen_api.errors import Unavailable
from kaizen_api.processes import Processes
from kaizen_api.server import start_server

FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def alive(pid):
    try:
        os.kill(pid, 0)
        if not Path("/proc/self/stat").exists():
            return True
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):  # before, or while it is looked at
        return False


def test_the_end_of_the_block_ends_children_and_grandchildren(tmp_path, wait_until):
    log = tmp_path / "log"
    with Processes() as processes:
        pid = processes.start("family", [sys.executable, "-c", FAMILY], log=log)
        grandchild = int(wait_until(log.read_text))
        assert alive(pid)
        assert alive(grandchild)
    assert not alive(pid)
    wait_until(lambda: not alive(grandchild))


@pytest.mark.parametrize("group", [False, True])
def test_kill_9_of_the_parent_ends_everything_and_removes_its_folders(tmp_path, wait_until, group):
    folder, log = tmp_path / "folder", tmp_path / "log"
    script = f"""
import time
from pathlib import Path
from kaizen_api.processes import Processes
folder = Path({str(folder)!r})
folder.mkdir()
processes = Processes()
processes.remove_at_end(folder)
processes.start("family", ["{sys.executable}", "-c", {FAMILY!r}], log=Path({str(log)!r}))
print(processes.pids["family"], flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True) as parent:
        pid = int(parent.stdout.readline())
        grandchild = int(wait_until(log.read_text))
        if group:
            os.killpg(parent.pid, signal.SIGKILL)
        else:
            os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid) and not alive(grandchild) and not folder.exists())


def test_whoever_ends_untold_is_reported_with_its_status(tmp_path, wait_until):
    ended = []
    with Processes(on_exit=lambda name, status: ended.append((name, status))) as processes:
        processes.start("fails", [sys.executable, "-c", "raise SystemExit(3)"], log=tmp_path / "log")
        wait_until(lambda: ended)
        processes.start("stays", [sys.executable, "-c", "import time; time.sleep(600)"], log=tmp_path / "log")
        processes.stop("stays")
        assert processes.pids == {}
    assert ended == [("fails", 3)]


def test_one_that_ignores_sigterm_is_killed(tmp_path, wait_until):
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    with Processes() as processes:
        pid = processes.start("stubborn", [sys.executable, "-c", stubborn], log=tmp_path / "log")
        wait_until((tmp_path / "log").read_text)
        processes.stop("stubborn", grace=0.1)
        assert not alive(pid)


def test_what_cannot_start_says_why(tmp_path):
    with Processes() as processes:
        with pytest.raises(Unavailable, match="No such file"):
            processes.start("ghost", [str(tmp_path / "ghost")], log=tmp_path / "log")
        with pytest.raises(Unavailable, match="No such file"):
            processes.start("nowhere", [sys.executable, "-V"], log=tmp_path / "absent" / "log")


def test_the_server_keeps_what_was_written_after_kill_9(tmp_path, wait_until):
    folder, log = tmp_path / "data", tmp_path / "log"
    with Processes() as processes:
        client = Redis.from_url(start_server(processes, folder, log=log))
        client.set("kept", "1")
        os.kill(processes.pids["redis"], signal.SIGKILL)
        wait_until(lambda: not processes.pids)
        assert start_server(processes, folder, log=log)
        assert client.get("kept") == b"1"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.close()


@pytest.mark.parametrize("depth", [1, 120])
def test_a_client_finds_the_server_of_a_data_directory(tmp_path, depth):
    config = KaizenConfig(data_dir=tmp_path / ("d" * depth))
    with pytest.raises(Unavailable, match="kaizen up"):
        redis_url(config)
    with Processes() as processes:
        start_server(processes, config.data_dir, log=tmp_path / "log", persistent=False)
        with Redis.from_url(redis_url(config)) as client:
            assert client.ping()
        assert (config.data_dir / "redis.sock").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("depth", [1, 120])
def test_the_socket_of_a_killed_server_is_none(tmp_path, depth, wait_until):
    config = KaizenConfig(data_dir=tmp_path / ("d" * depth))
    with Processes() as processes:
        start_server(processes, config.data_dir, log=tmp_path / "log", persistent=False)
        os.kill(processes.pids["redis"], signal.SIGKILL)
        wait_until(lambda: not processes.pids)
        assert (config.data_dir / "redis.sock").exists()
        with pytest.raises(Unavailable, match="kaizen up"):
            redis_url(config)
