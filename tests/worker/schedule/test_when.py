"""Due times: intervals, days of a zone, both changes of its clocks, clocks that are put forward and back."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_api.errors import Invalid
from kaizen_worker.schedule.when import Daily, Every, parse

BERLIN = Daily(2, 30, "Europe/Berlin")
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]

moments = st.integers(1_600_000_000 * SECOND, 2_000_000_000 * SECOND)
dailies = st.builds(Daily, st.integers(0, 23), st.integers(0, 59), st.sampled_from(ZONES))
rules = dailies | st.builds(Every, st.floats(0.2, 86_400))


def micros(*moment):
    return round(datetime(*moment, tzinfo=UTC).timestamp()) * SECOND


def local(due, zone="Europe/Berlin"):
    return datetime.fromtimestamp(due / SECOND, ZoneInfo(zone)).strftime("%m-%d %H:%M")


def days(rule, start, number):
    dues = [rule.next(start)]
    while len(dues) < number:
        dues.append(rule.next(dues[-1]))
    return dues


def test_clocks_put_forward_over_the_time_still_have_one_run_that_day():
    shown = [local(due) for due in days(BERLIN, micros(2027, 3, 26, 12), 3)]
    assert shown == ["03-27 02:30", "03-28 03:30", "03-29 02:30"]


def test_clocks_put_back_over_the_time_have_one_run_that_day_the_first():
    dues = days(BERLIN, micros(2026, 10, 23, 12), 3)
    assert [local(due) for due in dues] == ["10-24 02:30", "10-25 02:30", "10-26 02:30"]
    assert dues[1] == micros(2026, 10, 25, 0, 30)  # 02:30 of summer time; an hour later it is 02:30 again
    assert BERLIN.latest(dues[1], micros(2026, 10, 25, 1, 30)) == dues[1]


def test_each_zone_has_a_midnight_of_its_own():
    start = micros(2026, 11, 23, 12)
    dues = {zone: Daily(0, 0, zone).next(start) for zone in ("UTC", "Asia/Tokyo", "America/New_York")}
    assert [(due - start) / HOUR for due in dues.values()] == [12, 3, 17]


def test_what_was_missed_is_one_run_the_last():
    start = micros(2026, 11, 1)
    assert Every(3600).latest(start, start + 5 * HOUR + 7) == start + 5 * HOUR
    assert BERLIN.latest(micros(2026, 11, 1, 1, 30), micros(2026, 11, 20, 12)) == micros(2026, 11, 20, 1, 30)


def test_before_it_is_due_the_last_time_stays_the_last():
    start = micros(2026, 11, 1, 1, 30)
    assert Every(3600).latest(start, start + HOUR - 1) == start
    assert Every(3600).latest(start, start - HOUR) == start
    assert BERLIN.latest(start, start + DAY - 1) == start
    assert BERLIN.latest(start, start - HOUR) == start


@settings(deadline=None)
@given(rule=rules, last=moments, ahead=st.integers(1, 400 * DAY))
def test_the_next_is_after_the_last_and_nothing_lies_between(rule, last, ahead):
    following = rule.next(last)
    assert last < following <= last + 2 * DAY
    assert rule.latest(last, following - 1) == last
    assert rule.latest(last, following) == following
    latest = rule.latest(last, last + ahead)
    assert last <= latest <= last + ahead < rule.next(latest)


@settings(deadline=None)
@given(rule=dailies, start=moments)
def test_a_daily_job_has_one_run_each_day_of_its_zone(rule, start):
    zone = ZoneInfo(rule.zone)
    found = [datetime.fromtimestamp(due / SECOND, zone).date() for due in days(rule, start, 30)]
    assert [later - former for former, later in pairwise(found)] == [timedelta(days=1)] * 29


def test_a_clock_put_back_an_hour_does_not_undo_the_days_run_but_a_wrong_year_does():
    now = micros(2026, 11, 1)
    assert not BERLIN.astray(now + HOUR, now)
    assert BERLIN.astray(now + 365 * DAY, now)
    assert Every(60).astray(now + 1, now)
    assert not Every(60).astray(now, now)


@settings(deadline=None)
@given(rule=rules)
def test_what_a_rule_is_called_is_how_it_is_written(rule):
    read = parse(str(rule), zone="UTC")
    assert str(read) == str(rule)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("every 90s", Every(90)),
        ("every 90", Every(90)),
        ("every 1.5h", Every(5400)),
        ("every 30 m", Every(1800)),
        ("daily 2:05", Daily(2, 5, "Asia/Tokyo")),
        ("daily at 23:59 Europe/Berlin", Daily(23, 59, "Europe/Berlin")),
        ("off", None),
    ],
)
def test_times_are_written_in_these_ways(text, rule):
    assert parse(text, zone="Asia/Tokyo") == rule


@pytest.mark.parametrize(
    "text", ["", "every", "every -1", "every 1d", "every nan", "daily", "daily 24:00", "daily 1:60", "hourly", "on"]
)
def test_what_is_no_time_is_refused_with_examples(text):
    with pytest.raises(Invalid, match="every 30m"):
        parse(text, zone="UTC")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "Europe", "berlin"])
def test_what_is_no_zone_is_refused(zone):
    with pytest.raises(Invalid, match="no time zone"):
        parse(f"daily 2:30 {zone}", zone="UTC")
