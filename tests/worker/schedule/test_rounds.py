"""Rounds of one beat and of several: each run once, what was missed once, whatever the clock does."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from redis import RedisError

from kaizen_api import keys
from kaizen_api.errors import Unavailable
from kaizen_worker.schedule.rounds import Rounds
from kaizen_worker.schedule.runs import LONGEST, RESEND, RETRY, Runs
from kaizen_worker.schedule.timetable import jobs_of

HOUR = 3600.0
DAY = 24 * HOUR
SECOND = 1_000_000


def at(beats, *moment, zone="Europe/Berlin"):
    beats.now = round(datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp()) * SECOND


def test_nothing_runs_when_it_is_first_seen_and_then_each_interval(make_beats):
    beats = make_beats()
    beats.go()
    assert beats.sent == []
    beats.go(3 * HOUR, step=60)
    assert beats.of("cycle/acme") == beats.of("cycle/berta") == [HOUR, 2 * HOUR, 3 * HOUR]
    assert beats.of("resume")[:3] == [60, 120, 180]  # two intervals of 30 s have passed each time: caught up once


@pytest.mark.parametrize("number", [2, 3])
def test_several_beats_send_what_one_sends(make_beats, redis, number):
    alone = make_beats()
    alone.go(HOUR, step=5)
    redis.delete(keys.RUNS, keys.RUNS_OWED)
    several = make_beats(number)
    several.go(HOUR, step=5)
    assert sorted(several.sent) == sorted(alone.sent)
    assert len(set(several.sent)) == len(several.sent)


def test_a_beat_that_was_away_does_not_send_what_the_other_sent(make_beats):
    beats = make_beats(2)
    beats.go()
    away = beats.rounds.pop()
    beats.go(5 * HOUR, step=HOUR)
    away._look_at = float("inf")  # it was stopped: it knows what it knew
    beats.rounds = [away]
    before = list(beats.sent)
    beats.go()
    assert beats.sent == before


def test_what_was_missed_while_no_beat_ran_is_caught_up_once(make_beats):
    beats = make_beats()
    beats.go()
    beats.now += round(2.5 * DAY * SECOND)
    beats.go()
    beats.go()
    assert beats.of("cycle/acme") == [60 * HOUR]
    assert len(beats.of("daily/acme")) == 1
    assert len(beats.of("streams")) == 1


@pytest.mark.parametrize(
    ("day", "due"),
    [((2027, 3, 28), "2027-03-28 03:30 CEST"), ((2026, 10, 25), "2026-10-25 02:30 CEST")],
    ids=["put forward", "put back"],
)
def test_a_daily_job_runs_once_on_the_days_on_which_clocks_change(make_beats, redis, day, due):
    redis.hset(keys.SCHEDULE, "daily", "daily 02:30 Europe/Berlin")
    beats = make_beats(2)
    at(beats, *day, 0, 0)
    beats.go()
    beats.go(8 * HOUR, step=300)
    [(_, sent)] = [one for one in beats.sent if one[0] == "daily/acme"]
    assert datetime.fromtimestamp(sent / SECOND, ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%d %H:%M %Z") == due


def test_a_tenant_has_its_own_midnight_and_its_own_interval(make_beats, redis):
    redis.hset(keys.SCHEDULE, "daily/berta", "daily 00:15 Asia/Tokyo")
    redis.hset(keys.SCHEDULE, "cycle/berta", "every 600 s")
    beats = make_beats(timezone="Europe/Berlin")
    at(beats, 2026, 11, 23, 12, 0)
    beats.go()
    beats.go(DAY, step=300)
    shown = {
        name: datetime.fromtimestamp(due / SECOND, ZoneInfo(zone)).strftime("%d %H:%M")
        for name, zone in (("daily/acme", "Europe/Berlin"), ("daily/berta", "Asia/Tokyo"))
        for sent, due in beats.sent
        if sent == name
    }
    assert shown == {"daily/acme": "24 00:15", "daily/berta": "24 00:15"}
    assert (len(beats.of("cycle/acme")), len(beats.of("cycle/berta"))) == (24, 144)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_steps_an_hour_neither_doubles_nor_stops_anything(make_beats, redis, hours):
    redis.hset(keys.SCHEDULE, "daily", "daily 02:30 Europe/Berlin")
    beats = make_beats(2)
    at(beats, 2026, 11, 23, 0, 0)
    beats.go()
    beats.go(2.75 * HOUR, step=60)  # past 02:30
    before = len(beats.of("cycle/acme"))
    beats.now += round(hours * HOUR * SECOND)
    stepped = beats.now
    beats.go(2 * HOUR, step=30)
    runs = beats.of("daily/acme")
    assert len(runs) == 1
    owed = [run for run in beats.sent if "/" in run[0]]
    assert len(set(owed)) == len(owed)
    assert before + 1 <= len(beats.of("cycle/acme")) <= before + 3  # late by no more than an interval
    after = [due for name, due in beats.sent if name == "streams" and stepped < due < stepped + 120 * SECOND]
    assert len(after) >= 3, "the streams go on at once"


def test_a_last_run_of_a_wrong_year_does_not_hold_a_daily_job(make_beats, redis):
    beats = make_beats()
    redis.hset(keys.RUNS, "daily/acme", beats.now + round(400 * DAY * SECOND))
    beats.go()
    beats.go(2 * DAY, step=HOUR)
    assert len(beats.of("daily/acme")) == 2


def test_an_owed_run_is_sent_until_it_is_done_ever_less_often(make_beats):
    beats = make_beats(2, analysis_interval=86_400)
    beats.working = False
    beats.go()
    beats.now += round(DAY * SECOND)
    beats.go(HOUR, step=RESEND / 3)
    sent = [run for run in beats.sent if run[0] == "cycle/acme"]
    assert len(set(sent)) == 1
    assert 6 <= len(sent) <= 8  # after 30 s, 60 s, 120 s, …
    assert beats.done(sent[0])
    beats.go(2 * LONGEST, step=RESEND)
    assert beats.of("cycle/acme") == [DAY] * len(sent)


def test_of_a_run_that_came_twice_one_is_done(make_beats):
    beats = make_beats()
    beats.working = False
    beats.go()
    beats.go(HOUR)
    run = next(run for run in beats.sent if run[0] == "cycle/acme")
    with beats.runs.carrying_out("cycle", tenant="acme", due=run[1]) as ours:
        assert ours
        assert not beats.done(run), "another worker is at it"
        before = len(beats.of("cycle/acme"))
        beats.go(RESEND * 4, step=RESEND)
        assert len(beats.of("cycle/acme")) == before, "nobody sends what a worker does"
    assert not beats.done(run), "it is done"
    assert "cycle/acme" not in beats.runs.owed()
    assert set(beats.runs.done()) == {"cycle/acme"}


def test_a_later_run_takes_the_place_of_one_that_nobody_did(make_beats):
    beats = make_beats()
    beats.working = False
    beats.go()
    beats.go(2 * HOUR, step=HOUR)
    first, second = (HOUR, 2 * HOUR)
    runs = {(due - beats.now) / SECOND + 2 * HOUR: (name, due) for name, due in beats.sent if name == "cycle/acme"}
    assert not beats.done(runs[first])
    assert beats.done(runs[second])


def test_a_run_that_failed_is_sent_again_later(make_beats, redis):
    beats = make_beats()
    beats.working = False
    beats.go()
    beats.go(HOUR)
    run = next(run for run in beats.sent if run[0] == "cycle/acme")
    with pytest.raises(ZeroDivisionError), beats.runs.carrying_out("cycle", tenant="acme", due=run[1]):
        raise ZeroDivisionError
    assert "cycle/acme" in beats.runs.owed()
    again = redis.zscore(keys.RUNS_OWED, "cycle/acme") - sum(
        part * unit for part, unit in zip(redis.time(), (SECOND, 1), strict=True)
    )
    assert RETRY - 30 < again / SECOND <= RETRY


def test_a_beat_that_dies_between_claim_and_message_costs_a_while_and_no_run(make_beats):
    beats = make_beats()
    beats.working = False
    beats.go()

    def dies(_turn, _due):
        raise Unavailable("the broker is away")

    send, beats.rounds[0]._send = beats.rounds[0]._send, dies
    beats.now += round(HOUR * SECOND)
    for _ in range(4):  # streams, resume and two analyses
        with pytest.raises(Unavailable):
            beats.rounds[0].go()
    assert beats.sent == []
    beats.rounds[0]._send = send
    beats.go(2 * RESEND, step=RESEND)
    assert set(beats.of("cycle/acme")) == {HOUR}


def test_off_is_off_until_it_is_reset(make_beats, redis):
    redis.hset(keys.SCHEDULE, "cycle/acme", "off")
    beats = make_beats()
    beats.go(5 * HOUR, step=HOUR)
    assert (len(beats.of("cycle/acme")), len(beats.of("cycle/berta"))) == (0, 5)


def test_what_another_version_set_counts_as_not_set(make_beats, redis):
    redis.hset(keys.SCHEDULE, mapping={"cycle/acme": "monthly", "streams": "off", "nothing": "every 5 s"})
    beats = make_beats()
    beats.go(HOUR, step=10)
    assert beats.of("cycle/acme") == [HOUR]
    assert len(beats.of("streams")) == 360


def test_a_redis_that_was_emptied_begins_anew(make_beats, redis):
    beats = make_beats()
    beats.go(HOUR, step=HOUR)
    redis.delete(keys.RUNS, keys.RUNS_OWED)
    before = len(beats.sent)
    beats.go()
    assert len(beats.sent) == before
    beats.go(HOUR)
    assert len(beats.of("cycle/acme")) == 2


def test_by_itself_it_goes_by_the_clock_of_redis(redis, config, wait_until):
    sent = []
    rounds = Rounds(Runs(redis), table=jobs_of(config), send=lambda turn, due: sent.append((turn.name, due)))
    wait_until(lambda: rounds.go() >= 0 and len(sent) == 3)
    assert {name for name, _ in sent} == {"streams"}
    assert sent[-1][1] <= redis.time()[0] * SECOND + SECOND


def test_redis_away_is_an_error_of_the_round(make_beats, redis):
    beats = make_beats()
    redis.set(keys.SCHEDULE, "no hash")
    with pytest.raises(RedisError):
        beats.go()
    redis.delete(keys.SCHEDULE)
    beats.go()
