"""Nothing outlives what started it, whatever dies comes back, and what was sent meanwhile is counted once."""

import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kaizen_api.stack import running

PARTS = ("redis", "api", "worker1", "worker2", "beat", "exporter")


def quiet(home):
    """Whether nothing of it is left, neither a process nor a file outside its data directory."""
    return home.processes() == [] and home.leftovers() == []


@pytest.fixture(scope="module")
def home(home_of):
    return home_of()


@pytest.fixture(scope="module")
def up(home):
    with home.up("--no-flower", "--workers", "2") as started:
        yield started


@pytest.fixture(scope="module")
def counted(http, wait_until):
    """Sends one interaction until it is taken, waits until so many are processed, and gives how many ever were."""

    def send(state, interaction, expected):
        door, metrics = state["api"] + "/v1/interactions", state["exporter"] + "/kaizen/metrics"
        body = {"id": interaction, "query": f"what about {interaction}"}
        wait_until(lambda: (http(door, body) or (0, ""))[0] == 202)

        def look():
            answer = http(metrics)
            families = text_string_to_metric_families(answer[1]) if answer else ()
            values = Counter()
            for sample in (sample for family in families for sample in family.samples):
                values[sample.name] += sample.value
            idle = values["kaizen_up"] == 1 and values["kaizen_stream_depth"] == 0
            return values["kaizen_interactions_total"] if idle else 0

        return wait_until(lambda: number if (number := look()) >= expected else None)

    return send


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_comes_back_and_counts_once(up, home, counted, wait_until, part):
    _, state = up
    before, sent = home.published(), 2 * PARTS.index(part)
    assert set(before) == set(PARTS)
    assert counted(state, f"before {part}", sent + 1) == sent + 1
    os.kill(before[part], signal.SIGKILL)
    wait_until(lambda: home.published().get(part, before[part]) != before[part])
    after = home.published()
    assert {name for name in PARTS if after[name] != before[name]} == {part}
    assert counted(state, f"after {part}", sent + 2) == sent + 2


def test_the_doctor_sees_who_came_back(up, home):
    del up
    document = home.run("doctor")
    workers = document["pids"].pop("workers")
    assert document["pids"] | {f"worker{number}": pid for number, pid in enumerate(workers, 1)} == home.published()
    assert (
        len([check for check in document["checks"] if check["name"] == "workers" and "kaizen2" in check["detail"]]) == 1
    )


def test_ctrl_c_ends_all_of_it_and_leaves_its_data(up, home):
    process, _ = up
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert home.processes() == []
    assert home.leftovers() == []
    assert running(home.data) is None
    assert (home.data / "appendonlydir").is_dir()
    assert "Traceback" not in (home.folder / "errors").read_text()


def test_killed_it_leaves_no_process_and_starts_again_where_it_was(home_of, counted, wait_until):
    home = home_of()
    with home.up("--no-flower", "--workers", "1") as (process, state):
        assert counted(state, "first", 1) == 1
        pids = {process.pid, *home.published().values()}
        assert pids <= set(home.processes())
        process.kill()
    wait_until(lambda: quiet(home), seconds=60)
    with home.up("--no-flower", "--workers", "1") as (process, state):
        assert not pids & set(home.published().values())
        assert [counted(state, name, number) for number, name in enumerate(("first", "second"), 1)] == [1, 2]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert quiet(home)


@pytest.mark.parametrize("command", ["report", "demo"])
def test_killed_at_work_it_leaves_nothing(home_of, wait_until, command):
    home = home_of()
    log = home.folder / "log.jsonl"
    log.write_text("".join(json.dumps({"query": f"question {number}"}) + "\n" for number in range(3000)))
    temporary = home.folder / "tmp"
    arguments = [log, "--out", home.folder / "out"] if command == "report" else []
    with home.start(command, *arguments) as process:
        wait_until(lambda: [path for path in temporary.glob("kaizen-*/kaizen.log") if " ready." in path.read_text()])
        assert len(home.processes()) > 3
        process.kill()
    wait_until(lambda: quiet(home), seconds=60)
    assert not home.data.exists()


def test_when_its_keeper_is_killed_it_says_so_and_ends_with_all_of_it(home_of, wait_until):
    home = home_of()
    with home.up("--no-flower", "--workers", "1") as (process, _):
        [keeper] = [pid for pid in home.processes() if b"keeper.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(keeper, signal.SIGKILL)
        assert process.wait(60) == 1
    assert "start `kaizen up` again" in (home.folder / "errors").read_text()
    wait_until(lambda: home.processes() == [], seconds=60)
    with home.up("--no-flower", "--workers", "1") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    wait_until(lambda: quiet(home), seconds=60)
