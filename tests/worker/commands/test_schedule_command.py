"""`kaizen schedule`."""

import pytest

from kaizen_api import keys
from kaizen_worker.schedule.rounds import Rounds
from kaizen_worker.schedule.runs import Runs, now_of
from kaizen_worker.schedule.timetable import jobs_of

SECOND = 1_000_000


@pytest.fixture(autouse=True)
def _tenants(redis):
    redis.sadd(keys.TENANTS, "acme", "berta")


@pytest.fixture
def beat(redis, config):
    """A beat and what it sent."""
    sent = []
    rounds = Rounds(Runs(redis), table=jobs_of(config), send=lambda turn, due: sent.append((turn.name, due)), look=0)
    rounds.go()
    rounds.sent = sent
    return rounds


@pytest.fixture
def items(command_json):
    def items(*arguments):
        return {(one["job"], one["tenant"]): one for one in command_json("schedule", *arguments)["items"]}

    return items


def test_it_lists_every_job_of_every_tenant_with_its_times(items, beat):
    found = items()
    assert list(found) == [
        ("streams", ""),
        ("resume", ""),
        *((job, tenant) for job in ("cycle", "daily") for tenant in ("acme", "berta")),
    ]
    cycle = found["cycle", "acme"]
    assert (cycle["when"], cycle["set_for"], cycle["owed"], cycle["done_at"]) == ("every 3600 s", "", False, None)
    assert cycle["last_at"] < cycle["next_at"]
    assert found["daily", "acme"]["next_at"].endswith("T00:15:00Z")
    assert beat.sent == []


def test_one_tenant_is_shown_all_that_is_done_for_it(items, command):
    assert list(items("--tenant", "acme")) == [("streams", ""), ("resume", ""), ("cycle", "acme"), ("daily", "acme")]
    unknown = command("schedule", "--tenant", "nobody")
    assert unknown.exit_code == 1
    assert "no tenant nobody" in unknown.stderr


def test_before_the_first_tenant_every_job_is_shown_as_it_is_set(command, items, redis):
    redis.delete(keys.TENANTS)
    command("schedule", "set", "cycle", "every", "30m")
    found = items()
    assert [(job, one["each"], one["when"], one["set_for"]) for (job, _), one in found.items()] == [
        ("streams", False, "every 0.7 s", ""),
        ("resume", False, "every 30 s", ""),
        ("cycle", True, "every 1800 s", "all"),
        ("daily", True, "daily at 00:15 UTC", ""),
    ]
    assert found["cycle", ""]["next_at"] is None
    shown = command("schedule").stderr
    assert shown.splitlines()[-1] == "no tenants yet: cycle and daily begin with a tenant's first interaction"


def test_people_read_the_same(command):
    shown = command("schedule").stdout
    assert "daily at 00:15 UTC" in shown
    assert shown.splitlines()[0].split() == ["job", "tenant", "when", "set_for", "last", "next", "owed"]
    assert "no tenants" not in shown


@pytest.mark.usefixtures("beat")
def test_people_read_when_a_job_was_done_not_when_its_setting_was_made(command, items, redis):
    def cycle():
        rows = (line.split() for line in command("schedule").stdout.splitlines())
        return next(" ".join(row) for row in rows if row[:2] == ["cycle", "acme"])

    assert items()["cycle", "acme"]["last_at"]
    assert cycle().count(":") == 2, "the next alone"
    redis.hset(keys.RUNS_DONE, "cycle/acme", now_of(redis))
    assert cycle().count(":") == 4


def test_what_is_set_for_all_and_for_one_holds_until_it_is_reset(command, command_json, items):
    assert command("schedule", "set", "cycle", "every", "30m").stdout == "cycle: every 1800 s\n"
    told = command_json("schedule", "set", "cycle", "daily", "02:30", "Europe/Berlin", "--tenant", "acme")
    assert told == {"job": "cycle", "tenant": "acme", "when": "daily at 02:30 Europe/Berlin"}
    found = items()
    shown = {
        tenant: (found["cycle", tenant]["when"], found["cycle", tenant]["set_for"]) for tenant in ("acme", "berta")
    }
    assert shown == {"acme": ("daily at 02:30 Europe/Berlin", "tenant"), "berta": ("every 1800 s", "all")}
    assert command("schedule", "reset", "cycle", "--tenant", "acme").stdout == "cycle/acme: every 1800 s\n"
    assert command("schedule", "reset", "cycle").stdout == "cycle: every 3600 s\n"
    assert command("schedule", "reset", "cycle").stdout == "cycle: every 3600 s\n"
    assert items()["cycle", "acme"]["set_for"] == ""


def test_a_time_without_a_zone_is_in_the_configured_one(command_json):
    told = command_json("schedule", "set", "daily", "daily", "3:00", timezone="Asia/Tokyo")
    assert told["when"] == "daily at 03:00 Asia/Tokyo"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("set", "cycle", "now"), "every 30m"),
        (("set", "cycle", "every", "10s"), "60 to 86400"),
        (("set", "cycle", "daily", "2:30", "Mars"), "no time zone"),
        (("set", "streams", "every", "10m"), "0.2 to 60"),
        (("set", "streams", "off"), "cannot be switched off"),
        (("set", "resume", "daily", "2:30"), "has an interval"),
        (("set", "daily", "every", "1h"), "is daily"),
        (("set", "streams", "every", "1s", "--tenant", "acme"), "leave out --tenant"),
        (("set", "cycle", "off", "--tenant", "nobody"), "no tenant nobody"),
        (("set", "rotate", "off"), "no job rotate"),
        (("reset", "rotate"), "no job rotate"),
        (("run", "rotate"), "no job rotate"),
        (("run", "cycle", "--tenant", "nobody"), "no tenant nobody"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(command_json, redis, words, told):
    assert told in command_json("schedule", *words, status=1)["error"]
    assert not redis.exists(keys.SCHEDULE)


def test_running_beats_follow(command, beat, redis, wait_until):
    """A shorter interval than what has passed since the last run begins now: nothing is caught up."""
    before = now_of(redis) - 3000 * SECOND
    redis.hset(keys.RUNS, mapping={"cycle/acme": before, "cycle/berta": before})
    assert command("schedule", "set", "cycle", "every", "60s", "--tenant", "acme").exit_code == 0
    wait_until(lambda: beat.go() >= 0 and len(beat.sent) > 2)
    assert {name for name, _ in beat.sent} == {"streams"}
    assert redis.hget(keys.RUNS, "cycle/berta") == str(before).encode()
    redis.hset(keys.RUNS, "cycle/acme", now_of(redis) - 61 * SECOND)
    beat.go()
    assert [name for name, _ in beat.sent if name != "streams"] == ["cycle/acme"]


def test_run_puts_the_job_on_its_queue_once_and_the_next_is_counted_from_it(command, command_json, items, beat, redis):
    told = command_json("schedule", "run", "cycle", "--tenant", "acme")
    assert told == {"started": ["cycle/acme"]}
    assert redis.llen(keys.BROKER_PREFIX + "kaizen.work") == 1
    cycle = items()["cycle", "acme"]
    assert cycle["owed"]
    assert not items()["cycle", "berta"]["owed"]
    beat.go()
    assert [name for name, _ in beat.sent if name == "cycle/acme"] == []
    assert command("schedule", "run", "daily").stdout == "2 started\n"
    assert command("schedule", "run", "streams").stdout == "1 started\n"


def test_without_tenants_there_is_nothing_to_run(command, redis):
    redis.delete(keys.TENANTS)
    assert command("schedule", "run", "cycle").stdout == "no tenants yet\n"
