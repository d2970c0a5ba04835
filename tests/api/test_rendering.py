import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from kaizen_api.rendering import moment, plain, rfc3339
from kaizen_api.schema import Cycle, Gap, Interaction, Interval, Step

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_defaults_are_shown_and_never_is_null():
    shown = plain(Cycle(id="c", tenant="acme", requested_at=1_500_000))
    assert (shown["requested_at"], shown["finished_at"]) == ("1970-01-01T00:00:01.500000Z", None)
    assert (shown["status"], shown["seconds"], shown["interactions"]) == ("queued", {}, 0)


def test_structs_within_structs_and_lists():
    gap = Gap(id="g", topic="t", diagnosis="stale", users=1, queries=["q"], history=[Step(at=1, event="open")])
    (shown,) = plain([gap])
    assert shown["history"] == [{"at": "1970-01-01T00:00:00.000001Z", "event": "open", "detail": ""}]
    assert shown["entries"] == []


def test_only_fields_of_structs_are_times():
    said = Interaction(query="q", metadata={"created_at": 5, "at": True}, occurred_at=EPOCH)
    shown = plain({"at": 7, "one": said})
    assert shown["at"] == 7
    assert shown["one"]["metadata"] == {"created_at": 5, "at": True}
    assert shown["one"]["occurred_at"] == "1970-01-01T00:00:00Z"


def test_what_is_not_finite_is_null_and_all_is_json():
    shown = plain(Interval(estimate=float("nan"), low=float("-inf"), high=1.0, unit="s"))
    assert json.dumps(shown, allow_nan=False) == '{"estimate": null, "low": null, "high": 1.0, "unit": "s"}'


def test_zones_are_put_into_utc():
    berlin = timezone(timedelta(hours=2))
    assert rfc3339(datetime(2025, 6, 1, 12, tzinfo=berlin)) == "2025-06-01T10:00:00Z"
    assert rfc3339(datetime(2025, 6, 1, 12)) == "2025-06-01T12:00:00Z"  # noqa: DTZ001  # that is the case


@given(st.integers(-(10**15), 10**16))
def test_no_microsecond_is_lost(microseconds):
    assert (datetime.fromisoformat(moment(microseconds)) - EPOCH) // timedelta(microseconds=1) == microseconds
