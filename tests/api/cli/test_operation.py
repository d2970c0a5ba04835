"""Commands about the installation: config, tenants, analyze, doctor, and the processes."""

import socket
import sys
import threading

import pytest

from kaizen_api import jobs, keys
from kaizen_api.cli import services
from kaizen_api.config import KaizenConfig
from kaizen_api.producer import Producer
from kaizen_api.queries import Queries
from kaizen_api.schema import Interaction


def fields(document):
    return {row["field"]: (row["value"], row["origin"]) for row in document["settings"]}


def test_config_names_value_and_origin(kaizen_json, monkeypatch, tmp_path):
    monkeypatch.setenv("KAIZEN_WORKERS", "3")
    (tmp_path / ".env").write_text("KAIZEN_SEED=7\n")
    seen = fields(kaizen_json("config", "--tenant", "acme"))
    assert seen["workers"] == ("3", "environment")
    assert seen["seed"] == ("7", ".env")
    assert seen["tenant"] == ("acme", "argument")
    assert seen["batch_size"] == ("500", "default")
    assert seen["performance_threshold.error_rate"] == ("0.05", "default")
    assert {name.partition(".")[0] for name in seen} == set(KaizenConfig.model_fields)


def test_config_shows_no_secret(kaizen, monkeypatch):
    monkeypatch.setenv("KAIZEN_REDIS_URL", "redis://me:s3cret@localhost/0")
    monkeypatch.setenv("KAIZEN_API_KEYS", '{"acme": "s3cret"}')
    monkeypatch.setenv("KAIZEN_USER_KEY", "s3cret")
    for args in (("config",), ("config", "--json"), ("doctor", "--json")):
        result = kaizen(*args)
        assert "s3cret" not in result.stdout + result.stderr
        assert "***" in result.stdout


def test_config_tells_variables_that_are_no_settings(kaizen, kaizen_json, monkeypatch):
    monkeypatch.setenv("KAIZEN_WORKRES", "3")
    assert kaizen_json("config")["unknown"] == {"KAIZEN_WORKRES": "KAIZEN_WORKERS"}
    assert "KAIZEN_WORKRES is no setting: did you mean KAIZEN_WORKERS?" in kaizen("config").stdout


def test_a_variable_near_no_setting_is_given_no_other_name(kaizen_json, monkeypatch):
    for name in ("KAIZEN_XYZZY", "KAIZEN_CONFIG", "KAIZEN_RETENTION"):
        monkeypatch.setenv(name, "3")
    near = {"KAIZEN_CONFIG": "KAIZEN_CONFIG_FILE", "KAIZEN_RETENTION": "KAIZEN_RETENTION_DAYS"}
    assert kaizen_json("config")["unknown"] == {"KAIZEN_XYZZY": "", **near}


def test_tenants_are_listed_with_what_waits(kaizen, kaizen_json, config):
    with Producer(config, tenant="acme") as producer:
        producer.append([Interaction(query="a"), Interaction(query="b")])
    [row] = kaizen_json("tenants")["items"]
    assert (row["tenant"], row["waiting"], row["dead_letters"], row["topics"]) == ("acme", 2, 0, 0)
    assert row["oldest_seconds"] >= 0
    assert "acme" in kaizen("tenants", "list").stdout


def test_analyze_asks_for_a_cycle_and_returns(kaizen_json, redis):
    cycle = kaizen_json("analyze", "--tenant", "acme")
    assert cycle["status"] == "queued"
    assert Queries(redis, tenant="acme").get("cycle", cycle["id"]).requested_at > 0
    [job] = redis.lrange(keys.BROKER_PREFIX + jobs.WORK_QUEUE, 0, -1)
    assert jobs.ANALYZE.encode() in job


def test_analyze_gives_up_waiting_in_time(kaizen):
    result = kaizen("analyze", "--wait", "--timeout", "1")
    assert result.exit_code == 1
    assert "is queued after 1 s: are workers running?" in result.stderr


def checks(document):
    return {check["name"]: check for check in document["checks"]}


def test_doctor_says_what_to_do(kaizen, kaizen_json):
    document = kaizen_json("doctor", status=1)
    seen = checks(document)
    assert document["ok"] is False
    assert seen["redis"]["ok"]
    assert not seen["workers"]["ok"]
    assert "kaizen worker" in seen["workers"]["remedy"]
    assert seen["eviction"]["detail"] == "maxmemory-policy noeviction"
    assert "appendonly yes" in seen["persistence"]["remedy"]
    assert document["versions"]["python"] == sys.version.split()[0]
    assert document["versions"]["server"].split()[0] in {"valkey", "redis"}
    assert document["settings"]["workers"] == "2"
    assert document["pids"] is None
    text = kaizen("doctor").stdout
    assert "✗ workers: none answers" in text
    assert "! persistence: appendonly no" in text


def test_doctor_works_without_a_server(kaizen_json, monkeypatch, tmp_path):
    monkeypatch.setenv("KAIZEN_REDIS_URL", f"unix://{tmp_path}/none.sock")
    document = kaizen_json("doctor", status=1)
    assert {name for name, check in checks(document).items() if not check["ok"]} >= {"server", "workers", "stream"}
    assert document["versions"]["server"] is None


def test_doctor_sees_a_policy_that_drops(kaizen_json, redis):
    redis.config_set("maxmemory", "1gb")
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        eviction = checks(kaizen_json("doctor", status=1))["eviction"]
    finally:
        redis.config_set("maxmemory", 0)
        redis.config_set("maxmemory-policy", "noeviction")
    assert not eviction["ok"]
    assert "noeviction" in eviction["remedy"]


def test_doctor_sees_dead_letters(kaizen_json, redis):
    redis.xadd(keys.dead("default"), {"r": b""})
    assert not checks(kaizen_json("doctor", status=1))["dead letters"]["ok"]


@pytest.mark.parametrize("command", ["doctor", "api", "worker", "config"])
def test_an_open_api_is_refused_by_every_command(kaizen_json, monkeypatch, command):
    monkeypatch.setenv("KAIZEN_API_HOST", "0.0.0.0")
    error = kaizen_json(command, status=2)["error"]
    assert "KAIZEN_API_HOST" in error
    assert "KAIZEN_API_KEYS" in error
    monkeypatch.setenv("KAIZEN_API_KEYS", '{"acme": "k"}')
    assert checks(kaizen_json("doctor", status=1))["settings"]["ok"]


def test_doctor_sees_a_broker_that_is_away(kaizen_json, monkeypatch, tmp_path):
    monkeypatch.setenv("KAIZEN_BROKER_URL", f"unix://{tmp_path}/none.sock")
    broker = checks(kaizen_json("doctor", status=1))["broker"]
    assert not broker["ok"]
    assert "KAIZEN_BROKER_URL" in broker["remedy"]


class Became(Exception):
    """In place of becoming another program."""


@pytest.fixture
def became(monkeypatch):
    """What the process would have become: (argv, environment)."""
    seen = []

    def execve(path, argv, environment):
        assert path == argv[0] == sys.executable
        seen.append((list(argv), environment))
        raise Became

    monkeypatch.setattr(services.os, "execve", execve)
    return seen


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("api", "--port", "8181"), ["kaizen_worker.serve:create", "--port", "8181"]),
        (("worker", "--number", "3"), ["kaizen_worker.app", "worker", "kaizen3@%h", "kaizen.live,kaizen.work"]),
        (("beat",), ["kaizen_worker.app:control", "beat", "--loglevel"]),
        (("flower", "--port", "5656"), ["kaizen_worker.app:control", "flower", "--address=127.0.0.1", "--port=5656"]),
        (("exporter", "--port", "9191"), ["kaizen_api.metrics.exporter:create", "--port", "9191"]),
    ],
)
def test_a_process_command_becomes_that_process(kaizen, became, server, args, words):
    result = kaizen(*args)
    assert isinstance(result.exception, Became)
    [(argv, environment)] = became
    assert [word for word in words if word not in argv] == []
    assert environment["KAIZEN_REDIS_URL"] == server
    assert environment["PATH"]


@pytest.mark.parametrize("command", ["api", "worker", "beat", "exporter"])
def test_a_process_command_warns_of_what_is_no_setting(kaizen, became, monkeypatch, command):
    monkeypatch.setenv("KAIZEN_HOLD_OUT", "0.1")
    ports = {"api": ["--port", "8181"], "exporter": ["--port", "9191"]}.get(command, [])
    assert kaizen(command, *ports).stderr == ""
    monkeypatch.setenv("KAIZEN_HOLDOUT", "0.1")
    monkeypatch.setenv("KAIZEN_XYZZY", "0.1")
    warning = "KAIZEN_HOLDOUT (did you mean KAIZEN_HOLD_OUT?), KAIZEN_XYZZY\n"
    assert kaizen(command, *ports).stderr == f"warning: ignored, for there is no such setting: {warning}"
    assert kaizen(command, *ports, "--json").stdout == ""
    assert len(became) == 3


def test_a_process_without_a_server_is_not_started(kaizen, became, monkeypatch):
    monkeypatch.delenv("KAIZEN_REDIS_URL")
    result = kaizen("worker")
    assert result.exit_code == 1
    assert "set KAIZEN_REDIS_URL, or start `kaizen up`" in result.stderr
    assert became == []


@pytest.fixture
def taken_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.parametrize("command", ["api", "exporter"])
def test_a_port_in_use_is_named_with_the_option(kaizen, kaizen_json, became, taken_port, command):
    result = kaizen(command, "--port", taken_port)
    assert result.exit_code == 1
    assert result.stderr == f"error: port {taken_port} of the {command} is in use: choose another with --port\n"
    assert str(taken_port) in kaizen_json(command, "--port", taken_port, status=1)["error"]
    assert became == []


def test_an_address_of_another_machine_is_told(kaizen, became):
    result = kaizen("exporter", "--host", "192.0.2.1", "--port", "9191")
    assert result.exit_code == 1
    assert "the exporter cannot listen on 192.0.2.1" in result.stderr
    assert "name an address of this machine" in result.stderr
    assert became == []


def accept(config, *queries):
    with Producer(config) as producer:
        producer.append([Interaction(query=query) for query in queries])


def test_analyze_says_what_still_waits(kaizen, config):
    accept(config, "a", "b")
    result = kaizen("analyze")
    assert result.exit_code == 0
    assert "2 still waiting for the workers: this analysis may miss them, --wait waits for them first" in result.stderr


def test_analyze_says_nothing_where_nothing_waits(kaizen):
    assert kaizen("analyze").stderr == ""


def test_analyze_waits_for_what_was_accepted_before(kaizen, config, redis):
    """Nobody commits it: no analysis is asked for."""
    accept(config, "a", "b")
    result = kaizen("analyze", "--wait", "--timeout", "1")
    assert result.exit_code == 1
    assert "2 interactions wait after 1 s: are workers running?" in result.stderr
    assert redis.llen(keys.BROKER_PREFIX + jobs.WORK_QUEUE) == 0


def test_analyze_asks_once_what_was_accepted_before_is_committed(kaizen, config, redis, wait_until):
    accept(config, "a")

    def commit_later():
        wait_until(lambda: redis.xlen(keys.stream("default")))
        redis.xtrim(keys.stream("default"), maxlen=0, approximate=False)

    committing = threading.Timer(0.5, commit_later)
    committing.start()
    try:
        result = kaizen("analyze", "--wait", "--timeout", "5")
    finally:
        committing.join()
    assert "is queued after" in result.stderr
    assert redis.llen(keys.BROKER_PREFIX + jobs.WORK_QUEUE) == 1
