import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from redis import Redis

from kaizen_api import feed as feeding
from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Unavailable
from kaizen_api.feed import REFUSALS_KEPT, Feed, Tally
from kaizen_api.formats.contract import Read, Refused
from kaizen_api.processes import Processes
from kaizen_api.producer import Producer
from kaizen_api.producer.batch import MAX_BATCH
from kaizen_api.schema import Interaction, Record
from kaizen_api.server import start_server

STARTED = 1_700_000_000


def reads(*values):
    return [Read(f"log:{line}", line, line * 10, value) for line, value in enumerate(values, start=1)]


def asked(count):
    return [Interaction(query=f"question {number}") for number in range(count)]


def stored(redis, tenant):
    entries = redis.xrange(f"kz:{{{tenant}}}:stream")
    return [msgspec.msgpack.decode(fields[b"r"], type=Record) for _, fields in entries]


@pytest.fixture
def producer(config):
    with Producer(config) as producer:
        yield producer


def test_each_record_is_counted_once(producer, redis):
    tally = Tally()
    bad = Refused("log:2", "not JSON")
    items = reads(Interaction(query="a"), bad, Interaction(query="b"), Interaction(query="a"), Interaction(query=" "))
    assert list(Feed(producer).take(items, tally)) == []
    assert (tally.accepted, tally.duplicate, tally.refused, tally.total) == (2, 1, 2, 5)
    assert tally.refusals[0] == bad
    assert tally.refusals[1].place == "log:5"
    assert "blank" in tally.refusals[1].reason
    assert [record.query for record in stored(redis, "default")] == ["a", "b"]


def test_what_has_no_time_keeps_the_order_of_the_log(producer, redis):
    feed, tally = Feed(producer, started=STARTED), Tally()
    list(feed.take(reads(*asked(1500)), tally))
    list(feed.take(reads(*(Interaction(query=f"second log {number}") for number in range(1500))), tally))
    times = [record.occurred_at for record in stored(redis, "default")]
    assert times == [STARTED * 1_000_000 + place for place in range(3000)]


def test_ids_do_not_depend_on_when_it_was_fed(producer, redis):
    list(Feed(producer, started=STARTED).take(reads(*asked(3)), Tally()))
    tally = Tally()
    list(Feed(producer, started=STARTED + 77).take(reads(*asked(3)), tally))
    assert tally.duplicate == 3
    assert len(stored(redis, "default")) == 3


def test_offsets_never_pass_what_is_not_appended(producer, redis):
    offsets = Feed(producer).take(reads(*asked(2 * MAX_BATCH + 5)), Tally())
    seen = [(offset, redis.xlen("kz:{default}:stream")) for offset in offsets]
    assert seen == [(MAX_BATCH * 10, MAX_BATCH), (2 * MAX_BATCH * 10, 2 * MAX_BATCH)]
    assert redis.xlen("kz:{default}:stream") == 2 * MAX_BATCH + 5


def test_the_first_refusals_are_kept_and_all_are_told(producer):
    told, tally = [], Tally()
    refusals = [Refused(f"log:{line}", "no") for line in range(REFUSALS_KEPT + 5)]
    list(Feed(producer, on_refused=told.append).take(reads(*refusals), tally))
    assert told == refusals
    assert tally.refusals == refusals[:REFUSALS_KEPT]
    assert tally.refused == REFUSALS_KEPT + 5


def test_it_waits_for_room_and_goes_on(config, redis):
    small = config.model_copy(update={"stream_max_length": 1000})
    waits = []

    def make_room(error, seconds):
        waits.append((type(error).__name__, seconds))
        redis.xtrim("kz:{default}:stream", maxlen=0, approximate=False)

    tally = Tally()
    with Producer(small) as producer:
        list(Feed(producer, on_wait=make_room).take(reads(*asked(1500)), tally))
    assert waits == [("Backpressure", 1.0)]
    assert tally.accepted == 1500


@pytest.fixture
def passing(tmp_path):
    """A server of the test's own: (configuration, what ends it, what starts it again)."""
    folder = tmp_path / "passing"
    folder.mkdir()
    with ExitStack() as ending:

        def start():
            return start_server(ending.enter_context(Processes()), folder, log=folder / "log", persistent=False)

        url = start()

        def end():
            with Redis.from_url(url) as client:
                client.shutdown(nosave=True)

        yield KaizenConfig(redis_url=url, data_dir=tmp_path), end, start


@pytest.mark.parametrize("user_key", [None, "k"], ids=["asked for its key", "with a key of its own"])
def test_where_redis_was_never_reached_it_fails_at_once(config, user_key):
    """The configuration is wrong, most likely: to wait helps nobody."""
    nowhere = f"unix://{config.data_dir}/none.sock"
    away = KaizenConfig(redis_url=nowhere, data_dir=config.data_dir, user_key=user_key)
    waits = []
    begun = time.monotonic()
    with (
        Producer(away) as producer,
        pytest.raises(Unavailable, match=r"does not answer .*: start it .*correct KAIZEN_"),
    ):
        list(Feed(producer, on_wait=lambda *wait: waits.append(wait)).take(reads(*asked(1)), Tally()))
    assert waits == []
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("user_key", [None, "k"], ids=["asked for its key", "with a key of its own"])
def test_a_redis_that_goes_away_is_waited_for_with_patience(passing, monkeypatch, user_key):
    monkeypatch.setattr(feeding, "PATIENCE", 3)
    config, end, _ = passing
    config = KaizenConfig(redis_url=config.redis_url, data_dir=config.data_dir, user_key=user_key)
    waits = []
    with Producer(config) as producer:
        feed, tally = Feed(producer, on_wait=lambda error, _: waits.append(error)), Tally()
        list(feed.take(reads(*asked(3)), tally))
        end()
        with pytest.raises(Unavailable, match="does not answer"):
            list(feed.take(reads(*asked(3)), Tally()))
    assert tally.accepted == 3
    assert waits


def test_one_that_comes_back_gets_everything_once(passing):
    config, end, start = passing
    waits = []

    def come_back(*_):
        waits.append(1)
        start()

    with Producer(config) as producer:
        feed, tally = Feed(producer, on_wait=come_back), Tally()
        offsets = feed.take(reads(*asked(2 * MAX_BATCH + 5)), tally)
        assert next(offsets) == MAX_BATCH * 10
        end()
        list(offsets)
    assert waits == [1]
    assert (tally.accepted, tally.duplicate) == (2 * MAX_BATCH + 5, 0)


def test_what_stands_for_an_unread_rest_is_kept_apart(producer):
    tally = Tally()
    rest = Refused("log:2", "the rest cannot be read", breaks_off=True)
    list(Feed(producer).take(reads(Interaction(query="a"), rest, Refused("log:3", "no")), tally))
    assert (tally.accepted, tally.refused) == (1, 2)
    assert tally.broken == [rest]


@pytest.mark.parametrize(
    ("metadata", "likely"),
    [
        ({"time": "2026-01-31T09:30:00Z"}, "time"),
        ({"ts": 1_700_000_000}, "ts"),
        ({"createdAt": 1_700_000_000_123.0}, "createdAt"),
        ({"Date": "31/Jan/2026"}, "Date"),
        ({"logged_at": "1700000000"}, "logged_at"),
        ({"processing_time": 1.5, "times": None, "state": "2026-01", "format": 1_700_000_000}, None),
        ({"created": True, "account": 1_700_000_000, "when": [1, 2]}, None),
        (None, None),
    ],
)
def test_the_field_that_looks_like_the_time_is_found(producer, metadata, likely):
    tally = Tally()
    list(Feed(producer).take(reads(Interaction(query="a", metadata=metadata)), tally))
    assert (tally.times.read, tally.times.untimed, tally.times.likely) == (1, 1, likely)


def test_of_several_such_fields_the_most_frequent_counts_then_the_first_by_name(producer):
    fields = [{"ts": 2e9, "a_time": "2026-01-31"}, {"ts": 2e9, "created": 2e9}, {"created": 2e9}]
    tally = Tally()
    list(Feed(producer).take(reads(*(Interaction(query="a", metadata=each) for each in fields)), tally))
    assert tally.times.likely == "created"


def test_times_are_counted_of_what_was_an_interaction(producer):
    tally = Tally()
    retention = timedelta(days=producer.config.metrics_retention_days)
    begun = datetime.fromtimestamp(STARTED, UTC)
    moments = [begun - retention - timedelta(seconds=1), begun - retention, begun]
    timed = [Interaction(query="a", occurred_at=at, metadata={"time": 2e9}) for at in moments]
    items = reads(*timed, Interaction(query="b"), Interaction(query=" "), Refused("log:6", "no"))
    list(Feed(producer, started=STARTED).take(items, tally))
    assert (tally.times.read, tally.times.untimed, tally.times.old, tally.times.likely) == (4, 1, 1, None)


def test_what_only_the_intake_sees_has_its_remedy(producer):
    tally = Tally()
    list(Feed(producer).take(reads(Interaction(query="a", feedback=5.0), Interaction(query="b")), tally))
    assert tally.accepted == 1
    assert tally.refusals[0].reason == (
        "`feedback`: expected `float` <= 1.0; give a number from -1 to 1, like 1 for a thumb up"
    )
