"""`kaizen up` as a whole: started once, looked at from all sides, killed in parts, ended."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

PARTS = ("api", "beat", "exporter", "flower", "redis")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def get(url):
    with urllib.request.urlopen(url, timeout=10) as reply:
        return reply.read().decode()


def watch(state, path):
    """What Flower's API says to its user."""
    login = f"kaizen:{Path(state['flower_password']).read_text()}"
    head = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    return json.loads(get(urllib.request.Request(state["flower"] + path, headers=head)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("up")


@pytest.fixture(scope="module")
def shell(folder):
    names = {"HOME": str(folder), "PATH": os.environ["PATH"], "KAIZEN_DATA_DIR": str(folder / "data")}
    return {**names, "KAIZEN_EMBEDDER": "static", "OMP_NUM_THREADS": "1", "KAIZEN_WORKRES": "3"}


@pytest.fixture(scope="module")
def kaizen(shell, folder):
    """Runs a command with --json beside the stack: (exit code, document)."""

    def run(*args):
        command = [sys.executable, "-m", "kaizen_api.cli", *args, "--json"]
        done = subprocess.run(command, env=shell, cwd=folder, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def up(shell, folder):
    """(process, the line it printed)."""
    api, exporter, flower = (str(port) for port in free_ports(3))
    ports = ["--port", api, "--exporter-port", exporter, "--flower-port", flower]
    command = [sys.executable, "-m", "kaizen_api.cli", "up", *ports, "--workers", "2", "--json"]
    with (folder / "errors").open("w") as errors:
        process = subprocess.Popen(command, env=shell, cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True)
    with process:
        line = process.stdout.readline()
        try:
            yield process, json.loads(line)
        finally:
            process.terminate()


def test_one_line_says_where_everything_is(up, folder):
    _, state = up
    assert set(state["pids"]) == {*PARTS, "workers"}
    assert len(state["pids"]["workers"]) == 2
    assert state["data_dir"] == str(folder / "data")
    assert state["redis"].startswith("unix://")


def test_what_is_no_setting_is_told_once_at_the_start(up, folder):
    del up
    first, *others = (folder / "errors").read_text().splitlines()
    assert first == "warning: ignored, for there is no such setting: KAIZEN_WORKRES (did you mean KAIZEN_WORKERS?)"
    assert [line for line in others if "KAIZEN_WORKRES" in line] == []


def test_everything_answers(up, wait_until):
    _, state = up
    assert "kaizen_up 1" in get(state["exporter"] + "/kaizen/metrics")
    assert json.loads(get(state["api"] + "/openapi.json"))["paths"]
    workers = wait_until(lambda: watch(state, "/api/workers"))
    assert sorted(name.partition("@")[0] for name in workers) == ["kaizen1", "kaizen2"]


def test_flower_shows_tasks_by_name(up, kaizen, wait_until):
    _, state = up
    assert kaizen("analyze", "--wait", "--timeout", "60")[0] == 0

    def names():
        tasks = watch(state, "/api/tasks?limit=200")
        return {task["name"] for task in tasks.values()}

    wait_until(lambda: "kaizen.analyze" in names())


def test_doctor_finds_all_well_and_knows_the_pids(up, kaizen):
    _, state = up
    status, document = kaizen("doctor")
    assert [check for check in document["checks"] if not check["ok"]] == []
    assert status == 0
    assert document["pids"] == state["pids"]


def test_a_second_one_is_refused(up, kaizen):
    process, _ = up
    status, document = kaizen("up")
    assert status == 1
    assert f"(pid {process.pid})" in document["error"]


def test_a_port_in_use_is_named(up, kaizen, folder):
    _, state = up
    port = state["api"].rpartition(":")[2]
    status, document = kaizen("up", "--data-dir", str(folder / "other"), "--port", port)
    assert status == 1
    assert f"port {port} of the api is in use" in document["error"]


def test_what_goes_in_is_processed_also_when_a_worker_is_killed(up, kaizen, folder, wait_until):
    _, state = up
    log = folder / "log.jsonl"
    log.write_text("".join(json.dumps({"query": f"question {number}"}) + "\n" for number in range(600)))
    assert kaizen("push", str(log))[1]["accepted"] == 600
    former = kaizen("doctor")[1]["pids"]
    os.kill(former["workers"][0], signal.SIGKILL)
    wait_until(lambda: kaizen("tenants")[1]["items"][0]["waiting"] == 0, seconds=150)
    now = wait_until(lambda: _whole(kaizen("doctor")[1]["pids"], former))
    assert now["workers"][1] == former["workers"][1]
    status, cycle = kaizen("analyze", "--wait", "--timeout", "100")
    assert status == 0
    assert cycle["interactions"] == 600
    assert state["pids"]["redis"] == now["redis"]


def _whole(pids, former):
    return pids if len(pids["workers"]) == 2 and pids["workers"][0] != former["workers"][0] else None


def test_sigterm_ends_all_of_it(up, kaizen, folder):
    process, _ = up
    pids = kaizen("doctor")[1]["pids"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    every = [*pids["workers"], *(pids[part] for part in PARTS)]
    assert [pid for pid in every if Path(f"/proc/{pid}").exists()] == []
    assert kaizen("doctor")[1]["pids"] is None
    assert "Traceback" not in (folder / "errors").read_text()
