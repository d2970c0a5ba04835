import gzip
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from kaizen_api import feed
from kaizen_api.producer.batch import MAX_BATCH


@pytest.fixture
def log(tmp_path):
    """Writes a log of so many questions."""

    def write(count, name="log.jsonl", *, first=0, extra=()):
        path = tmp_path / name
        rows = [json.dumps({"query": f"question {number}"}) for number in range(first, first + count)]
        path.write_text("\n".join([*rows, *extra]) + "\n")
        return path

    return write


def counts(document):
    return document["accepted"], document["duplicate"], document["refused"]


def test_it_ends_with_what_became_of_everything(kaizen, kaizen_json, log, redis):
    path = log(3, extra=["{broken", '{"query": " "}'])
    assert counts(kaizen_json("push", path)) == (3, 0, 2)
    assert redis.xlen("kz:{default}:stream") == 3
    result = kaizen("push", path)
    assert result.exit_code == 0
    assert result.stdout == "0 accepted, 3 duplicate, 2 refused\n"


def test_each_refused_line_is_told_with_its_place_and_the_remedy(kaizen, log):
    path = log(1, extra=["{broken", '{"query": "a", "response_time": -1}'])
    lines = kaizen("push", path).stderr.splitlines()
    assert lines[0].startswith(f"refused {path}:2: not JSON")
    assert lines[1].startswith(f"refused {path}:3: ")
    assert "response_time" in lines[1]


def test_twenty_refusals_are_shown_and_all_counted(kaizen, log):
    result = kaizen("push", log(1, extra=["{"] * 30), "--json")
    assert json.loads(result.stdout)["refused"] == 30
    assert len(json.loads(result.stdout)["refusals"]) == feed.REFUSALS_KEPT
    told = result.stderr.splitlines()
    assert len(told) == feed.REFUSALS_KEPT + 1
    assert told[-1] == "more are refused; all are counted"


def test_only_refused_is_a_failure(kaizen_json, log):
    assert counts(kaizen_json("push", log(0, extra=["{", "["]), "--format", "kaizen", status=1))[:2] == (0, 0)


def test_a_file_that_cannot_be_read_fails_and_the_others_go_in(kaizen_json, log, tmp_path):
    strange = tmp_path / "strange.bin"
    strange.write_bytes(b"PAR1" + bytes(100))
    document = kaizen_json("push", strange, log(2), status=1)
    assert counts(document) == (2, 0, 0)
    assert "Parquet" in document["files"][0]["error"]
    assert document["files"][1]["error"] is None


def test_a_file_that_is_not_there_is_misuse(kaizen, tmp_path):
    result = kaizen("push", tmp_path / "none.jsonl")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_what_formats_there_are_is_told_once(kaizen, tmp_path):
    strange = tmp_path / "strange.txt"
    strange.write_text("nothing that anyone knows\n")
    result = kaizen("push", strange)
    assert result.exit_code == 1
    assert (result.stdout + result.stderr).count("looked for") == 1
    assert f"not read to its end: {strange} is in no format that Kaizen knows" in result.stdout


def test_what_could_not_be_read_is_told_also_where_redis_goes_away(kaizen, log, tmp_path, monkeypatch):
    strange = tmp_path / "strange.txt"
    strange.write_text("nothing that anyone knows\n")
    monkeypatch.setenv("KAIZEN_REDIS_URL", f"unix://{tmp_path}/none.sock")
    result = kaizen("push", strange, log(1))
    assert result.exit_code == 1
    assert f"not read to its end: {strange} is in no format" in result.stderr


def test_what_has_no_time_is_told_with_the_field_that_looks_like_one(kaizen, kaizen_json, tmp_path):
    path, other = tmp_path / "log.jsonl", tmp_path / "other.jsonl"
    path.write_text('{"query": "a", "timestamp": 1700000000}\n{"query": "b", "took_time": 3}\n')
    other.write_text('{"query": "c", "time": "2026-01-31 09:30"}\n{"query": "d", "time": "2026-01-31 09:31"}\n{\n')
    document = kaizen_json("push", path, other)
    assert (document["untimed"], document["looks_like_occurred_at"]) == (4, "time")
    told = kaizen("push", path, other).stderr
    assert "no `occurred_at` in 4 of 4 interactions: they count as of now; `time` looks like it: give it that" in told


def test_a_log_with_times_needs_no_note(kaizen, kaizen_json, tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text(f'{{"query": "a", "occurred_at": "{datetime.now(UTC).isoformat()}"}}\n')
    document = kaizen_json("push", path)
    assert [document[name] for name in ("untimed", "looks_like_occurred_at", "older_than_retention")] == [0, None, 0]
    assert kaizen("push", path).stderr == ""


def test_what_is_older_than_the_retention_is_told(kaizen, kaizen_json, tmp_path):
    path = tmp_path / "log.jsonl"
    times = [datetime.now(UTC) - timedelta(days=days) for days in (90, 8, 6)]
    path.write_text("".join(f'{{"query": "a", "occurred_at": "{time.isoformat()}"}}\n' for time in times))
    assert kaizen_json("push", path)["older_than_retention"] == 2
    told = kaizen("push", path).stderr
    assert told.startswith(
        "2 of 3 are older than KAIZEN_METRICS_RETENTION_DAYS = 7: they are analysed like others, and"
    )


def test_gzip_and_several_files(kaizen_json, log, tmp_path):
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(log(4, "plain", first=100).read_bytes()))
    document = kaizen_json("push", log(2), packed)
    assert [file["accepted"] for file in document["files"]] == [2, 4]


def test_standard_input_is_a_log(tmp_path, server, redis):
    del redis
    command = [sys.executable, "-m", "kaizen_api.cli", "push", "-", "--json"]
    environment = {"PATH": os.environ["PATH"], "KAIZEN_REDIS_URL": server, "KAIZEN_DATA_DIR": str(tmp_path)}
    text = '{"query": "a"}\n{"query": "b"}\n'
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, env=environment)
    assert counts(json.loads(done.stdout)) == (2, 0, 0)


def test_the_tenant_is_the_one_named(kaizen_json, log, redis):
    kaizen_json("push", log(2), "--tenant", "acme")
    assert redis.xlen("kz:{acme}:stream") == 2


def test_what_broke_off_goes_on_where_it_was(kaizen, kaizen_json, log, redis, monkeypatch):
    """The stream is full after the first batch; with room again, only the rest is read, and the counts are of all."""
    path = log(MAX_BATCH + 50, extra=["{broken"])
    monkeypatch.setenv("KAIZEN_STREAM_MAX_LENGTH", str(MAX_BATCH))
    monkeypatch.setattr(feed, "PATIENCE", 0.1)
    broken_off = kaizen("push", path)
    assert broken_off.exit_code == 1
    assert "wait for the workers: nothing was taken" in broken_off.stderr
    monkeypatch.delenv("KAIZEN_STREAM_MAX_LENGTH")
    result = kaizen("push", path)
    assert f"{path}: goes on at byte" in result.stderr
    assert result.stdout == f"{MAX_BATCH + 50} accepted, 0 duplicate, 1 refused\n"
    assert redis.xlen("kz:{default}:stream") == MAX_BATCH + 50
    assert counts(kaizen_json("push", path)) == (0, MAX_BATCH + 50, 1), "a log that is done begins anew"


@pytest.fixture
def following(tmp_path, server, redis):
    """A `kaizen push --follow` in a process of its own; gives the process."""
    del redis
    processes = []

    def start(path):
        command = [sys.executable, "-m", "kaizen_api.cli", "push", str(path), "--follow", "--json"]
        environment = {"PATH": os.environ["PATH"], "KAIZEN_REDIS_URL": server, "KAIZEN_DATA_DIR": str(tmp_path / "d")}
        pipe = subprocess.PIPE
        processes.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_following_takes_what_comes_and_survives_rotation(following, log, redis, wait_until, tmp_path):
    def stored(count):
        wait_until(lambda: redis.xlen("kz:{default}:stream") == count)

    path = log(2)
    process = following(path)
    stored(2)
    with path.open("a") as stream:
        stream.write('{"query": "half a ')
        stream.flush()
        stream.write('line"}\n')
    stored(3)
    path.rename(tmp_path / "log.1")
    with (tmp_path / "log.1").open("a") as stream:
        stream.write('{"query": "late, into the moved file"}\n')
    stored(4)
    log(3, first=100)
    stored(7)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert counts(json.loads(output)) == (7, 0, 0)
    assert "replaced, goes on with the new one" in errors


def test_following_goes_on_where_it_was(following, log, redis, wait_until):
    path = log(2)
    first = following(path)
    wait_until(lambda: redis.xlen("kz:{default}:stream") == 2)
    first.kill()
    first.communicate()
    with path.open("a") as stream:
        stream.write('{"query": "meanwhile"}\n')
    second = following(path)
    wait_until(lambda: redis.xlen("kz:{default}:stream") == 3)
    second.send_signal(signal.SIGINT)
    output, _ = second.communicate(timeout=30)
    document = json.loads(output)
    assert document["accepted"] + document["duplicate"] == 3


def test_following_a_log_that_was_cut_begins_anew(following, log, redis, wait_until):
    path = log(5)
    process = following(path)
    wait_until(lambda: redis.xlen("kz:{default}:stream") == 5)
    path.write_text('{"query": "after the cut"}\n')
    wait_until(lambda: redis.xlen("kz:{default}:stream") == 6)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert json.loads(output)["refused"] == 0


@pytest.mark.parametrize("more", [["log.jsonl"], []])
def test_only_one_file_can_be_followed(kaizen, log, more, tmp_path):
    files = [log(1), *(tmp_path / name for name in more)] if more else ["-"]
    result = kaizen("push", *files, "--follow")
    assert result.exit_code == 2
    assert "--follow takes one FILE" in result.stderr


def test_a_truncated_gzip_fails_and_keeps_what_came_before(kaizen, kaizen_json, tmp_path, redis):
    rows = b"".join(b'{"query": "question %d", "id": "%d"}\n' % (number, number * 7919) for number in range(20_000))
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(gzip.compress(rows)[:-30_000])
    document = kaizen_json("push", path, status=1)
    assert document["accepted"] == redis.xlen("kz:{default}:stream") > 1000
    assert document["refused"] == 1
    assert "copy the log again" in document["files"][0]["error"]
    result = kaizen("push", path)
    assert result.exit_code == 1
    assert f"{document['accepted']} duplicate, 1 refused\nnot read to its end: {path}:" in result.stdout


def test_it_fails_also_where_the_damage_is_not_among_the_first_refusals(kaizen_json, tmp_path):
    bad = b"".join(b'{"nothing": "%d"}\n' % (number * 7919) for number in range(5000))
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"query": "a"}\n' + bad)[:-3000])
    document = kaizen_json("push", path, status=1)
    assert document["accepted"] == 1
    assert "copy the log again" in document["files"][0]["error"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_over_long_first_line_is_refused_alone(kaizen, tmp_path, pack):
    path = tmp_path / "log.jsonl"
    path.write_bytes(pack(b'{"query": "' + b"x" * 5_000_000 + b'"}\n{"query": "a"}\n{"query": "b"}\n'))
    result = kaizen("push", path)
    assert result.exit_code == 0
    assert result.stdout == "2 accepted, 0 duplicate, 1 refused\n"
    assert f"refused {path}:1: longer than 4 MiB: split it" in result.stderr


def test_where_redis_was_never_reached_it_fails_at_once(kaizen, kaizen_json, log, monkeypatch, tmp_path):
    monkeypatch.setenv("KAIZEN_REDIS_URL", f"unix://{tmp_path}/none.sock")
    begun = time.monotonic()
    result = kaizen("push", log(3))
    assert time.monotonic() - begun < 10
    assert result.exit_code == 1
    assert "waiting" not in result.stderr
    assert "start it (`kaizen up` runs one of its own), or correct KAIZEN_REDIS_URL" in result.stderr
    assert "does not answer" in kaizen_json("push", log(3), status=1)["error"]


def test_a_folder_is_misuse(kaizen, tmp_path):
    result = kaizen("push", tmp_path)
    assert result.exit_code == 2
    assert "is a directory" in result.stderr
