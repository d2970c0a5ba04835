"""The detector: the right thing is raised, explained by those who show it, carried on, and the same in any parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kaizen_worker.pipeline.findings.sudden import say
from kaizen_worker.pipeline.live.detector import GROUPS, Detector, begin
from kaizen_worker.pipeline.live.detector import tests_of as how_many
from kaizen_worker.pipeline.live.evidence import bar, sureness
from kaizen_worker.pipeline.live.explanation import Latest, Raised, explain, explain_group
from kaizen_worker.pipeline.live.forming import KNOWN, PLACES, Groups, Member
from kaizen_worker.store.detection import Usual, pack_state, unpack_state

BAR = bar(how_many(3), budget=0.1, confidence=0.7)


class Watch:
    """A detector with its log, as the engine uses it."""

    def __init__(self, desk, *, hour=12):
        self.desk = desk
        self.draw = np.random.default_rng(1)
        self.second = desk.MONDAY + 7 * desk.DAY + hour * 3600
        self.state = begin("a", desk.usual)
        self.number, self.log, self.told = 0, [], []

    def records(self, number, **shares):
        shares = shares or {"one": 0.4, "two": 0.2, "three": 0.3, "noise": 0.1}
        for subject in self.draw.choice(list(shares), size=number, p=list(shares.values())):
            self.number += 1
            odd = subject == "three"
            yield self.desk.record(
                f"live{self.number}",
                f"{subject} {'x' * int(self.draw.integers(8))}",
                self.second,
                response_time=float(self.draw.lognormal(odd, 0.3)),
                error="timeout" if self.draw.random() < (0.1 if odd else 0.01) else None,
            )

    def arrive(self, records, *, usual=None):
        """One batch a second; returns what it raised, told or not."""
        usual = usual or self.desk.usual
        found, vectors = self.desk.batch(list(records), self.second, usual)
        detector = Detector(usual, self.state)
        detector.observe(found, vectors)
        self.log.append(found)
        raised = []
        for alarm in detector.alarms(BAR):
            known = Raised(alarm, detector.limit(alarm), sureness(alarm.evidence, how_many(3)))
            if alarm.kind == "new_topic":
                pattern = explain_group(known, self.state.groups)
            else:
                pattern = explain(known, Latest.of(self.log, usual), usual)
            detector.settle(alarm, told=pattern is not None)
            raised.append(pattern)
            self.told += [pattern] if pattern else []
        self.second += 1
        return raised


@pytest.fixture
def watch(desk):
    watch = Watch(desk)
    for _ in range(20):
        watch.arrive(watch.records(50))
    assert watch.told == []
    return watch


def test_a_burst_is_told_with_those_who_ask(watch):
    onset = watch.second
    for _ in range(20):
        watch.arrive(watch.records(50, one=0.3, two=0.5, three=0.2))
    [pattern] = watch.told
    assert (pattern.kind, pattern.topic, pattern.name) == ("burst", "two", "Two")
    assert abs(pattern.since / 1_000_000 - onset) <= 1
    assert pattern.usual < 0.4 < pattern.hits / pattern.trials
    shown = {one for found in watch.log for one, code in zip(found.ids, found.topic, strict=True) if code == 1}
    assert set(pattern.evidence) <= shown
    insight = say(pattern)
    assert (insight.type, insight.topic, insight.subject["pattern"]) == ("emerging", "two", "burst")
    assert insight.effect.low > 1


def test_by_night_less_is_a_burst(desk):
    by_night = Watch(desk, hour=2)
    for _ in range(20):
        by_night.arrive(by_night.records(50))  # `two` as by day
    assert [pattern.topic for pattern in by_night.told] == ["two"]


@pytest.mark.parametrize("kind", ["error", "latency"])
def test_what_fails_everywhere_is_told_of_everything_alone(watch, kind):
    change = {"error": "down"} if kind == "error" else {"response_time": 60.0}
    for _ in range(20):
        watch.arrive(replace(one, **change) for one in watch.records(50))
    [pattern] = watch.told
    assert (pattern.kind, pattern.topic) == (kind, None)
    assert say(pattern).effect.low > 0


@pytest.mark.parametrize("kind", ["error", "latency"])
@pytest.mark.parametrize("topic", ["one", "two"])
def test_what_fails_in_one_topic_is_told_of_it_alone(watch, kind, topic):
    change = {"error": "down"} if kind == "error" else {"response_time": 60.0}
    for _ in range(20):
        rows = list(watch.records(50))
        watch.arrive(replace(one, **change) if one.query.startswith(topic) else one for one in rows)
    [pattern] = watch.told
    assert (pattern.kind, pattern.topic) == (kind, topic)
    assert topic.title() in say(pattern).description


def test_a_topic_that_forms_is_told_once_by_its_words(watch):
    for _ in range(20):
        watch.arrive(watch.records(50, one=0.4, two=0.2, three=0.3, rare=0.1))
    [pattern] = watch.told
    assert (pattern.kind, pattern.topic) == ("new_topic", None)
    assert pattern.name.startswith("rare")
    assert say(pattern).subject["text"] == pattern.name


def test_known_noise_may_burst_too(watch):
    for _ in range(20):
        watch.arrive(watch.records(50, one=0.3, two=0.1, three=0.1, noise=0.5))
    assert [pattern.name.split()[0] for pattern in watch.told] == ["noise"]


def test_two_people_are_too_few(watch):
    for _ in range(40):
        rows = list(watch.records(2, one=0.5, three=0.5))
        pair = [replace(next(iter(watch.records(1, two=1.0))), user=f"p{index}") for index in range(2)]
        watch.arrive([*rows, *pair])
    assert watch.told == []


def test_an_alarm_of_too_few_is_dropped(desk):
    """Beyond the look-back two people may count again; they are still two."""
    watch = Watch(desk, hour=2)
    raised = []
    for _ in range(60):
        watch.state.ring = watch.state.ring[:0]
        watch.log = []
        raised += watch.arrive(replace(one, user="p") for one in watch.records(1, two=1.0))
    assert raised
    assert watch.told == []


def test_a_new_cycle_carries_on_what_is_known(desk, watch):
    for _ in range(20):
        watch.arrive(watch.records(50, one=0.4, two=0.5, rare=0.1))
    assert {pattern.kind for pattern in watch.told} == {"burst", "new_topic"}
    before = watch.state
    moved = desk.usual_of([replace(one, query=one.query) for one in desk.week(seed=5)])
    watch.state = begin("b", moved, old=before)
    assert watch.state.tests.raised.sum() == before.tests.raised.sum() == 2
    assert watch.state.groups.members[KNOWN:] == before.groups.members[KNOWN:]
    for _ in range(20):
        watch.arrive(watch.records(50, one=0.4, two=0.5, rare=0.1), usual=moved)
    assert len(watch.told) == 2


def test_topics_that_are_new_or_gone_take_their_tests_with_them(desk, watch):
    watch.state.tests.sums[:] = np.arange(len(watch.state.tests.sums))[:, None]
    old = watch.state
    old.topics = ("gone", "three", "one")
    new = begin("b", desk.usual, old=old)  # one, two, three
    assert new.tests.sums[:3, 0].tolist() == [2, 0, 1]
    assert new.tests.sums[3:7, 0].tolist() == [5, 0, 4, 6]
    assert new.tests.sums[7:11, 0].tolist() == [9, 0, 8, 10]
    assert new.tests.sums[-PLACES:, 0].tolist() == old.tests.sums[-PLACES:, 0].tolist()
    assert not new.tests.sums[11:-PLACES].any()


def test_the_state_comes_back_as_it_was_stored(desk, watch):
    watch.arrive(watch.records(50, one=0.4, two=0.5, rare=0.05, odd=0.05))
    packed = pack_state(watch.state)
    again = unpack_state(packed, Usual("a", desk.usual))
    assert pack_state(again) == packed
    assert unpack_state(b"", Usual("a", desk.usual)).second == 0


@settings(max_examples=25, deadline=None)
@given(cuts=st.sets(st.integers(1, 119)), seed=st.integers(0, 3))
def test_the_parts_of_a_second_and_stops_in_between_do_not_matter(desk, cuts, seed):
    whole, split = Watch(desk), Watch(desk)
    whole.draw = np.random.default_rng(seed)
    rows = list(whole.records(120, one=0.3, two=0.2, three=0.2, noise=0.1, rare=0.1, odd=0.1))
    later = list(whole.records(10))
    states = []
    for watch, parts in ((whole, [rows]), (split, np.split(np.array(rows, object), sorted(cuts)))):
        for part in [*map(list, parts), None, later]:
            if part is None:
                watch.second += 1
                continue
            found, vectors = desk.batch(part, watch.second, desk.usual)
            Detector(desk.usual, watch.state).observe(found, vectors)
            watch.state = unpack_state(pack_state(watch.state), Usual("a", desk.usual))
        states.append(pack_state(watch.state))
    assert states[0] == states[1]


def test_old_interactions_and_those_of_topics_that_are_gone_do_not_count(desk):
    second = desk.MONDAY + 7 * desk.DAY
    now, old, ahead = (desk.record(n, "one x", second + n) for n in (0, -601, 601))
    found, _ = desk.batch([now, old, ahead], second, desk.usual)
    assert found.ids == ["i0"]


def test_groups_make_room_for_those_that_are_fed():
    groups, draw = Groups.empty(4, 8, known=1), np.random.default_rng(0)
    axes = np.eye(8, dtype=np.float32)
    member = Member("a", 1, "text", 0, 0, 1.0)
    groups.join(0, axes[0], member, turn=0)
    for turn, axis in enumerate([1, 2, 3, 1, 3], start=1):
        found = groups.place(axes[axis], near=np.full(4, 0.8))
        groups.join(groups.open() if found is None else found[0], axes[axis], member, turn=turn)
    assert groups.place(axes[4], near=np.full(4, 0.8)) is None
    slot = groups.open()
    assert groups.sizes.tolist() == [1, 2, 0, 2]
    assert slot == 2, "the one that was fed least recently; what is known stays"
    for turn in range(200):
        vector = axes[5] + 0.1 * draw.normal(size=8).astype(np.float32)
        groups.join(slot, vector / np.linalg.norm(vector), member, turn=turn)
    assert groups.means[slot] @ axes[5] > 0.9
    assert groups.place(axes[5], near=np.full(4, 0.8))[0] == slot
    assert GROUPS == KNOWN + PLACES
