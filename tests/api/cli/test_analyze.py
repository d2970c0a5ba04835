"""What an analysis is told to have brought, which there were, and how one is cancelled."""

import os
import signal
import subprocess
import sys

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.cli.analyze import describe
from kaizen_api.cli.progress import lines
from kaizen_api.schema import Cycle

AT = 1_700_000_000_000_000


@pytest.fixture
def analyses(put):
    """The tenant's analyses: one done, one with too little, one that runs, and one that waits."""
    done = Cycle(id="y1", tenant="default", status="done", requested_at=AT, finished_at=AT + 9_000_000)
    done = msgspec.structs.replace(
        done, interactions=60, topics=5, insights=7, gaps=2, seconds={"read": 1.0, "embed": 7.5}
    )
    few = Cycle(
        id="y2", tenant="default", status="insufficient_data", requested_at=AT + 1, interactions=4, detail="needed: 10"
    )
    runs = Cycle(
        id="y3", tenant="default", status="running", requested_at=AT + 2, step="embed", detail="3,400 of 50,000 texts"
    )
    waits = Cycle(id="y4", tenant="default", requested_at=AT + 3)
    for one in (done, few, runs, waits):
        put("cycle", one, rank=one.requested_at)


@pytest.mark.parametrize(("gaps", "told"), [(4, True), (0, False)])
def test_where_there_are_gaps_it_says_where_they_are_listed(gaps, told):
    text = describe({"finished_at": 1, "interactions": 60, "topics": 5, "gaps": gaps, "insights": 0})
    assert f"{gaps} gaps, 0 findings; `kaizen insights` lists those stored" in text
    assert ("`kaizen gaps` lists the gaps" in text) is told


@pytest.mark.parametrize(("left_out", "told"), [(0, ""), (250, " (the newest; 250 older ones left out)")])
def test_what_was_too_much_for_one_analysis_is_told(left_out, told):
    brought = {"finished_at": 1, "interactions": 60, "left_out": left_out, "topics": 5, "gaps": 0, "insights": 0}
    assert describe(brought).startswith(f", 60 interactions{told}, 5 topics")


def test_too_little_is_said_with_what_to_do(kaizen, analyses):
    few = {"finished_at": 1, "status": "insufficient_data", "detail": "needed: 10, push more"}
    assert describe(few) == ", needed: 10, push more"
    del analyses
    assert "needed: 10" in kaizen("analyze", "--list").stdout


def test_the_last_ones_are_listed_the_latest_first(kaizen, kaizen_json, analyses):
    del analyses
    result = kaizen("analyze", "--list")
    header, *rows = result.stdout.splitlines()
    assert header.split()[:2] == ["id", "asked"]
    assert [row.split()[0] for row in rows] == ["y4", "y3", "y2", "y1"]
    assert rows[1].endswith("embed: 3,400 of 50,000 texts")
    assert rows[3].split()[1:] == ["2023-11-14", "22:13:20Z", "done", "8.5", "s", "60", "5", "7", "2"]
    assert [item["id"] for item in kaizen_json("analyze", "--list")["items"]] == ["y4", "y3", "y2", "y1"]


def test_where_there_was_none_the_list_says_how_to_start_one(kaizen):
    assert kaizen("analyze", "--list").stdout == "no analyses yet: `kaizen analyze` starts one\n"


def test_the_one_that_runs_is_cancelled_then_the_one_that_waits(kaizen, kaizen_json, analyses):
    del analyses
    assert kaizen("analyze", "--cancel").stdout == "y3: cancelled\n"
    assert kaizen("analyze", "--cancel", "y3").stdout == "y3: cancelled\n", "again it changes nothing"
    assert kaizen_json("analyze", "--cancel")["id"] == "y4"
    none = kaizen("analyze", "--cancel")
    assert (none.exit_code, "no analysis runs or waits" in none.stderr) == (1, True)
    assert "in step embed" in kaizen("analyze", "--list").stdout


@pytest.mark.parametrize(("named", "said"), [("y1", "ended as done"), ("y9", "no analysis y9")])
def test_what_cannot_be_cancelled_is_told(kaizen, analyses, named, said):
    del analyses
    result = kaizen("analyze", "--cancel", named)
    assert (result.exit_code, said in result.stderr) == (1, True)


def test_what_excludes_each_other_is_misuse(kaizen):
    assert kaizen("analyze", "--list", "--wait").exit_code == 2


def test_whoever_waits_for_one_that_is_cancelled_is_told(kaizen, redis, wait_until, server, tmp_path):
    with waiting(server, tmp_path) as process:
        assert "0%  queued" in process.stderr.readline()
        wait_until(lambda: redis.hlen(keys.objects("default", "cycle")))
        assert kaizen("analyze", "--cancel").exit_code == 0
        assert "was cancelled" in process.stderr.read()
    assert process.returncode == 1


def test_ctrl_c_leaves_the_analysis_going_and_says_how_to_stop_it(redis, server, tmp_path):
    with waiting(server, tmp_path) as process:
        assert "queued" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    ((name, stored),) = redis.hgetall(keys.objects("default", "cycle")).items()
    assert f"{name.decode()} goes on" in said
    assert f"`kaizen analyze --cancel {name.decode()}` stops it" in said
    assert (process.returncode, "Traceback" in said) == (1, False)
    assert msgspec.msgpack.decode(stored, type=Cycle).status == "queued"


WITH_CTRL_C = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell turns off for what it starts in the background
from kaizen_api.cli import main
main()
"""


def waiting(server, folder):
    """`kaizen analyze --wait` as a process at a terminal, with nobody to do it."""
    environment = {**os.environ, "KAIZEN_REDIS_URL": server, "KAIZEN_DATA_DIR": str(folder)}
    command = [sys.executable, "-c", WITH_CTRL_C, "analyze", "--wait"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("every", "told"), [(3600.0, 3), (0.0, 4)])
def test_a_step_is_told_when_it_begins_and_now_and_then(capsys, every, told):
    say = lines(every=every)
    for step, detail in (("", ""), ("read", ""), ("read", ""), ("embed", "1 of 9"), ("embed", "2 of 9")):
        say(Cycle(id="y1", tenant="default", status="running" if step else "queued", step=step, detail=detail))
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == ["queued", "read", "embed:", "embed:"][
        :told
    ]
