"""Flower and the doctor beside a real stack: who works, on what, by name, and what beat will start when."""

import base64
import json
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser

from kaizen_api import jobs


@pytest.fixture(scope="module")
def home(home_of):
    return home_of(analysis_interval=7200, timezone="Europe/Berlin")


@pytest.fixture(scope="module")
def stack(home):
    """After some work was done."""
    with home.up("--workers", "2") as (_, state):
        log = home.folder / "log.jsonl"
        log.write_text("".join(json.dumps({"query": f"question {number}"}) + "\n" for number in range(50)))
        assert home.run("push", log)["accepted"] == 50
        assert home.run("analyze", "--wait")["status"] in {"done", "insufficient_data"}
        yield state


@pytest.fixture
def password(stack):
    return Path(stack["flower_password"]).read_text()


@pytest.fixture
def http(stack, password):
    """Asks Flower as its user, or as whoever is named: (status, text)."""

    def ask(url, login=f"kaizen:{password}"):
        request = urllib.request.Request(url)
        if login:
            request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    assert urlsplit(stack["flower"]).hostname == "127.0.0.1"
    return ask


@pytest.fixture
def tasks(stack, http):
    """Gives what Flower knows of a task: its runs."""

    def runs(name):
        answer = http(f"{stack['flower']}/api/tasks?taskname={name}&limit=1000")
        return list(json.loads(answer[1]).values()) if answer and answer[0] == 200 else []

    return runs


def test_its_api_lists_the_workers_by_name_and_what_they_can_do(stack, http, wait_until):
    workers = wait_until(lambda: json.loads(http(stack["flower"] + "/api/workers?refresh=1")[1]))
    assert sorted(name.partition("@")[0] for name in workers) == ["kaizen1", "kaizen2"]
    for worker in workers.values():
        assert set(worker["registered"]) >= {jobs.TICK, jobs.CONSUME, *jobs.ROUTES}
        assert {queue["name"] for queue in worker["active_queues"]} == {jobs.LIVE_QUEUE, jobs.WORK_QUEUE}


@pytest.mark.parametrize("name", [jobs.TICK, jobs.CONSUME, jobs.ANALYZE])
def test_its_api_lists_tasks_by_name_with_the_worker_that_did_them(tasks, wait_until, name):
    done = wait_until(lambda: [task for task in tasks(name) if task["state"] == "SUCCESS"])
    assert {task["name"] for task in done} == {name}
    assert {task["worker"].partition("@")[0] for task in done} <= {"kaizen1", "kaizen2"}


PLACES = (
    "/", "/workers", "/tasks", "/broker", "/tasks/datatable", "/api/workers", "/api/tasks", "/api/queues/length",
    "/worker/kaizen1", "/task/x",
)  # fmt: skip


@pytest.mark.parametrize("login", [None, "kaizen:wrong", "other:{password}", "kaizen:"])
@pytest.mark.parametrize("place", PLACES)
def test_without_the_password_nothing_is_shown(stack, http, password, place, login):
    assert http(stack["flower"] + place, login and login.format(password=password))[0] == 401


def test_the_password_is_nobody_elses_to_read(stack):
    assert Path(stack["flower_password"]).stat().st_mode & 0o777 == 0o600


def test_its_page_shows_the_tasks_with_what_they_work_on_in_a_browser(browse, wait_until):
    def rows():
        shown = (row.css("td") for row in browse("/tasks").css("#tasks-table tbody tr"))
        return {tuple(cell.text(strip=True) for cell in cells[:2]) for cells in shown if len(cells) > 1}

    wait_until(lambda: (jobs.CONSUME, "{'tenant': 'default', 'place': '0'}") in rows())


@pytest.fixture
def browse(stack, home, password):
    """Opens a page of Flower's in a browser: what it then is."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium on PATH: install Debian's package chromium")
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    apart = [f"--user-data-dir={home.folder / 'browser'}", "--virtual-time-budget=10000", "--dump-dom"]
    login = stack["flower"].replace("://", f"://kaizen:{password}@")

    def page(place):
        command = [browser, *quiet, *apart, login + place]
        done = subprocess.run(command, env=home.environment, capture_output=True, text=True, check=False, timeout=150)
        return LexborHTMLParser(done.stdout)

    return page


def test_its_page_shows_the_workers_in_a_browser(browse, wait_until):
    def page():
        rows = browse("/workers").css("#workers-table tbody tr")
        return sorted(tuple(cell.text(strip=True) for cell in row.css("td")[:2]) for row in rows)

    shown = wait_until(lambda: rows if len(rows := page()) == 2 else None)
    assert [(name.partition("@")[0], state) for name, state in shown] == [("kaizen1", "Online"), ("kaizen2", "Online")]


def test_in_production_it_is_behind_a_path_and_remembers_over_a_restart(stack, home_of, http, ports, wait_until):
    login = "kaizen:s3cret-and-long"
    home = home_of(redis_url=stack["redis"], flower_prefix="/watch", flower_password=login.partition(":")[2])
    [port] = ports(1)
    base = f"http://127.0.0.1:{port}"

    def found(place):
        with suppress(OSError):
            status, text = http(base + place, login=login)
            return text if status == 200 else None

    @contextmanager
    def serve():
        with home.start("flower", "--port", port) as process:
            try:
                wait_until(lambda: found("/watch/healthcheck"))
                yield
            finally:
                process.send_signal(signal.SIGTERM)

    with serve():
        tasks = json.loads(wait_until(lambda: (text := found("/watch/api/tasks?limit=1")) != "{}" and text))
        assert 'src="/watch/static/' in found("/watch/workers")
        assert found("/workers") is None
        assert http(base + "/watch/workers", login=None)[0] == 401
    with serve():
        for known in tasks:
            assert found(f"/watch/api/task/info/{known}")
    assert "s3cret" not in (home.folder / "errors").read_text()


@pytest.fixture(scope="module")
def doctor(stack, home):
    del stack
    return home.run("doctor", "--data-dir", home.data)


def test_the_doctor_prints_beats_schedule(doctor):
    details = {check["name"]: check["detail"] for check in doctor["checks"]}
    assert details["schedule cycle"].startswith(f"{jobs.CYCLE} every 7200 s")
    assert details["schedule daily"].startswith(
        f"{jobs.DAILY} daily at 00:15 Europe/Berlin: rotate the knowledge bases"
    )
    assert details["schedule streams"].startswith(f"{jobs.TICK} every 0.7 s")
    assert details["schedule resume"].startswith(f"{jobs.RESUME} every 30 s")


def test_the_doctor_finds_all_well_and_knows_versions_and_pids(doctor, home, stack):
    assert [check for check in doctor["checks"] if not check["ok"]] == []
    assert doctor["ok"]
    versions = doctor["versions"]
    assert all(versions[name] for name in ("python", "kaizen", "celery", "redis", "flower", "server"))
    workers = doctor["pids"].pop("workers")
    assert doctor["pids"] | {f"worker{number}": pid for number, pid in enumerate(workers, 1)} == home.published()
    assert set(doctor["pids"]) == {"redis", "api", "exporter", "beat", "flower"}
    assert stack["flower"]
