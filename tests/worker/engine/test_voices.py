"""A few accounts that ask for ever new things drive a stated number of searches a day, and nobody else pays for it."""

from dataclasses import replace as with_fields

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from kaizen_api.schema import Gap
from kaizen_api.voices import A_DAY
from kaizen_worker.engine import saving
from kaizen_worker.engine.voices import CROWD, charge, people
from kaizen_worker.types import Coded, Sample, Signals, Thresholds, Window

DAY = 86_400_000_000
NOON = 20_000 * DAY + DAY // 2
GAP = Gap(id="", topic="", diagnosis="missing", users=3, queries=["x y"])


def sample(topics):
    """A window in which each topic is asked about by some people: names, or None for a row without a user."""
    pairs = [(topic, who) for topic, names in topics.items() for who in names]
    users = tuple(sorted({who for _, who in pairs if who is not None}))
    count = len(pairs)
    none = np.full(count, np.nan)
    window = Window(
        ids=[f"i{row}" for row in range(count)],
        occurred_at=np.arange(count),
        text=np.zeros(count, np.int32),
        texts=("x",),
        vectors=np.zeros((1, 0), np.float16),
        session=Coded(np.full(count, -1, np.int32), ()),
        user=Coded(np.array([users.index(who) if who is not None else -1 for _, who in pairs], np.int32), users),
        response_time=none,
        error=Coded(np.full(count, -1, np.int32), ()),
        feedback=none,
        level=none,
        accepted=none,
        critics={},
        answers={},
        model=Coded(np.full(count, -1, np.int32), ()),
        tool=Coded(np.full(count, -1, np.int32), ()),
        entry_ids=((),) * count,
    )
    names = tuple(topics)
    return Sample(
        window=window,
        topic=np.array([names.index(topic) for topic, _ in pairs], np.int32),
        topic_ids=names,
        topic_names=names,
        signals=Signals({"follow_up": np.zeros(count, bool)}, np.zeros(count), {}),
        thresholds=Thresholds(),
    )


def gaps(topics):
    return [replace(GAP, id=f"g{topic}", topic=topic) for topic in topics]


def test_three_accounts_drive_so_many_searches_a_day_and_no_more(tenant):
    asked = {f"t{number:03}": ["a", "b", "c"] for number in range(200)}
    honest = {"honest": ["d", "e", "f"], "mixed": ["a", "b", "c", "d", "e", "f"]}
    world, found = sample(asked | honest), gaps([*asked, *honest])
    refused = charge(tenant, world, found, at=NOON)
    assert refused == {f"gt{number:03}" for number in range(A_DAY, 200)}
    assert charge(tenant, world, found, at=NOON + 3_600_000_000) == refused, "a repetition charges nothing twice"
    others = {f"n{number:03}": ["a", "b", "c"] for number in range(5)}
    assert charge(tenant, sample(others), gaps(others), at=NOON + 7_200_000_000) == {f"g{name}" for name in others}
    assert charge(tenant, sample(others), gaps(others), at=NOON + DAY) == frozenset()


def test_two_accounts_more_than_one_has_do_not_help_and_a_crowd_is_not_charged(tenant):
    asked = {f"t{number:03}": [f"a{number % 2}", "b", "c"] for number in range(60)}
    assert len(charge(tenant, sample(asked), gaps(asked), at=NOON)) == 60 - A_DAY
    crowd = {f"c{number:03}": [f"p{one}" for one in range(CROWD + 1)] for number in range(3 * A_DAY)}
    assert charge(tenant, sample(crowd), gaps(crowd), at=NOON) == frozenset()


@pytest.mark.parametrize(("users", "names"), [(["u", "u", "v"], ["u:u", "u:v"]), ([None, None], ["i:i0", "i:i1"])])
def test_a_person_is_a_user_or_else_what_the_log_has(users, names):
    assert people(sample({"t": users}), "t") == names


def test_follow_ups_are_no_voices():
    world = sample({"t": ["a", "b"]})
    flags = {"follow_up": np.array([False, True])}
    assert people(with_fields(world, signals=with_fields(world.signals, flags=flags)), "t") == ["u:a"]


def test_what_is_spent_says_so_and_is_searched_on_another_day(tenant):
    found = gaps(["t"])
    assert saving.searchable(tenant, found, proposals={}) == []
    assert saving.searchable(tenant, found, proposals={"gt": "i1"}) == found
    assert saving.save_gaps(tenant, found, proposals={"gt": "i1"}, at=NOON, spent=frozenset({"gt"})) == []
    gap = tenant.gaps.get("gt")
    assert (gap.status, gap.history[-1].detail) == ("unfilled", saving.SPENT)
    assert saving.searchable(tenant, found, proposals={"gt": "i1"}) == found
    assert saving.save_gaps(tenant, found, proposals={"gt": "i1"}, at=NOON + DAY) == ["gt"]


def test_an_analysis_charges_those_who_ask(push, analyse, redis):
    push(36)
    _, due = analyse()
    (key,) = redis.keys("*:voices:*")
    assert 0 < redis.ttl(key) <= 2 * 86_400
    charged = {gap.decode(): msgspec.msgpack.decode(names) for gap, names in redis.hgetall(key).items()}
    assert set(charged) == set(due) != set()
    assert all(3 <= len(names) <= CROWD and all(name.startswith("u:") for name in names) for names in charged.values())
