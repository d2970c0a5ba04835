import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis, RedisError

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, socket_path
from kaizen_api.errors import Unavailable
from kaizen_api.stack import Service, Stack, answering_workers

PARENT = """
import sys, json
from pathlib import Path
from kaizen_api.config import KaizenConfig
from kaizen_api.stack import Service, Stack
folder = Path(sys.argv[1])
stack = Stack(KaizenConfig(data_dir=folder), log=folder.parent / "log")
stack.remove_at_end(folder)
stack.start()
stack.launch([Service("sleeper", (sys.executable, "-c", "import time; time.sleep(600)"))])
print(json.dumps(stack.pids), flush=True)
sys.stdin.read()
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends while it is read
        return False


@pytest.fixture
def stack(tmp_path):
    with Stack(KaizenConfig(data_dir=tmp_path / "data"), log=tmp_path / "log") as stack:
        yield stack


def ping(config):
    with connect(config) as client:
        return client.ping()


def test_nobody_else_reads_what_the_server_and_services_write(tmp_path, wait_until):
    data = tmp_path / "data"
    old = data / "appendonlydir"
    old.mkdir(parents=True)
    old.chmod(0o755)  # as a version before left it
    former = os.umask(0o022)
    try:
        with Stack(KaizenConfig(data_dir=data), log=tmp_path / "log") as stack:
            stack.start()
            with connect(stack.config) as client:
                client.set("asked", "what is my salary?")
                client.save()
            writing = f"import time; open({str(data / 'written')!r}, 'w').close(); time.sleep(600)"
            stack.launch([Service("writer", (sys.executable, "-c", writing))])
            wait_until((data / "written").exists)
            files = [path for path in data.rglob("*") if not path.is_symlink()]
            modes = {path.relative_to(data).as_posix(): path.stat().st_mode & 0o077 for path in files}
    finally:
        os.umask(former)
    assert any(name.startswith("appendonlydir/") for name in modes)
    assert {"dump.rdb", "written", "redis.conf"} <= modes.keys()
    assert {name: oct(mode) for name, mode in modes.items() if mode} == {}


def test_it_starts_a_server_and_services_and_ends_them_all(tmp_path, web):
    with Stack(KaizenConfig(data_dir=tmp_path / "data"), log=tmp_path / "log") as stack:
        stack.start()
        service = web()
        stack.launch([service])
        stack.wait_ready(30)
        assert ping(stack.config)
        pids = stack.pids
        assert set(pids) == {"redis", "api", "workers"}
        assert pids["workers"] == []
        assert stack.urls == {"api": service.url}
    assert not alive(pids["redis"])
    assert not alive(pids["api"])


def test_services_get_the_servers_url_by_their_environment_only(stack, tmp_path, wait_until):
    stack.start()
    seen = tmp_path / "seen"
    program = f"import os; open({str(seen)!r}, 'w').write(os.environ['KAIZEN_REDIS_URL'])"
    stack.launch([Service("reader", (sys.executable, "-c", program))])
    assert wait_until(lambda: seen.exists() and seen.read_text()) == stack.config.redis_url
    assert stack.config.redis_url.startswith("unix://")


def test_what_is_killed_is_started_again(tmp_path, web, wait_until):
    lines, changes = [], []
    config = KaizenConfig(data_dir=tmp_path / "data")
    with Stack(config, log=tmp_path / "log", say=lines.append, on_change=lambda: changes.append(1)) as stack:
        stack.start()
        stack.launch([web()])
        stack.wait_ready(30)
        former = stack.pids["api"]
        os.kill(former, signal.SIGKILL)
        wait_until(lambda: stack.pids.get("api", former) != former)
        stack.wait_ready(30)
        wait_until(lambda: changes)
    assert lines == ["api ended (signal 9): again in 0.5 s"]


def test_a_killed_server_comes_back_with_what_it_had(stack, wait_until):
    stack.start()
    with connect(stack.config) as client:
        client.set("kept", "1")
    former = stack.pids["redis"]
    os.kill(former, signal.SIGKILL)
    wait_until(lambda: stack.pids.get("redis", former) != former)

    def kept():
        try:
            with connect(stack.config) as client:
                return client.get("kept")
        except RedisError:
            return None

    assert wait_until(kept) == b"1"


def test_what_keeps_ending_before_it_answers_is_reported_with_the_log(stack, tmp_path):
    stack.start()
    stack.launch([Service("api", (sys.executable, "-c", "raise SystemExit(3)"), url="http://127.0.0.1:9", health="/")])
    with pytest.raises(Unavailable, match=rf"api keeps ending: see {tmp_path}/log"):
        stack.wait_ready(60)


def test_what_does_not_answer_in_time_is_named(stack):
    stack.start()
    stack.launch([Service("mute", (sys.executable, "-c", "input()"), url="http://127.0.0.1:9", health="/")])
    stack.launch([Service("deaf", (sys.executable, "-c", "import time; time.sleep(60)"), url="http://127.0.0.1:9")])
    with pytest.raises(Unavailable, match=r"deaf did not answer within 0 s|mute, deaf did not answer within 0 s"):
        stack.wait_ready(0)


def test_workers_are_ready_when_they_answer_over_the_broker(stack, small_worker):
    stack.start()
    services = [small_worker(1), small_worker(2)]
    stack.launch(services)
    stack.wait_ready(60)
    nodes = [service.node for service in services]
    assert answering_workers(stack.config, nodes=nodes) == nodes
    assert answering_workers(stack.config, timeout=1.0) == nodes
    pids = stack.pids
    assert len(pids["workers"]) == 2
    assert set(pids) == {"redis", "workers"}


def test_nobody_answers_where_there_is_no_broker(tmp_path):
    config = KaizenConfig(redis_url=f"unix://{tmp_path}/none.sock")
    assert answering_workers(config, timeout=0.1) == []


def test_a_configured_server_is_used_and_not_ended(config, redis, web, tmp_path):
    with Stack(config, log=tmp_path / "log") as stack:
        stack.start()
        stack.launch([web()])
        stack.wait_ready(30)
        assert set(stack.pids) == {"api", "workers"}
    assert redis.ping()


def test_a_configured_server_that_is_away_is_reported_at_once(tmp_path):
    config = KaizenConfig(redis_url=f"unix://{tmp_path}/none.sock", data_dir=tmp_path)
    with Stack(config, log=tmp_path / "log") as stack, pytest.raises(Unavailable, match="does not answer"):
        stack.start()


def test_it_never_outlives_a_killed_parent(tmp_path, wait_until):
    folder = tmp_path / "data"
    command = [sys.executable, "-c", PARENT, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        pids = json.loads(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: not any(alive(pids[name]) for name in ("redis", "sleeper")))
    wait_until(lambda: not folder.exists())


def test_a_second_server_waits_until_the_former_one_is_gone(tmp_path):
    """Two servers must never write the same files; the former one ends a moment after its killed parent."""
    folder = tmp_path / "data"
    with Stack(KaizenConfig(data_dir=folder), log=tmp_path / "log") as former:
        former.start()
        os.kill(former._processes._keeper.pid, signal.SIGSTOP)
        url = former.config.redis_url
        pid = former.pids["redis"]
        program = (
            "import sys; from pathlib import Path; from kaizen_api.config import KaizenConfig\n"
            "from kaizen_api.stack import Stack\n"
            "folder = Path(sys.argv[1])\n"
            "with Stack(KaizenConfig(data_dir=folder), log=folder.parent / 'log2') as stack:\n"
            "    print('waiting', flush=True); stack.start(); print(stack.pids['redis'], flush=True)\n"
        )
        with subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE) as second:
            assert second.stdout.readline() == b"waiting\n"
            assert alive(pid)
            with Redis.from_url(url) as client:
                client.set("mark", "1")
            os.kill(pid, signal.SIGTERM)
            assert int(second.stdout.readline()) != pid
            assert not alive(pid)
        os.kill(former._processes._keeper.pid, signal.SIGCONT)


def test_a_long_folder_name_does_not_matter(tmp_path, wait_until):
    folder = tmp_path / ("long" * 30)
    with Stack(KaizenConfig(data_dir=folder), log=tmp_path / "log") as stack:
        stack.start()
        assert len(str(socket_path(folder))) > 108
        former = stack.pids["redis"]
        os.kill(former, signal.SIGKILL)
        wait_until(lambda: stack.pids.get("redis", former) != former)
        wait_until(lambda: _answers(stack.config))


def _answers(config):
    try:
        return ping(config)
    except RedisError:
        return False
