"""One fault of a topic that was split is told once and names all its parts; what differs is told apart."""

from dataclasses import replace

from kaizen_worker.pipeline.findings import findings

START, HOUR = 1_760_000_000_000_000, 3_600_000_000


def _slow(record):
    return record.response_time * 8


def _in_one_group(sample):
    return replace(sample, groups=tuple("t-garden" for _ in sample.topic_ids))


def _told(sample, kind="performance"):
    return [one for one in findings(sample) if one.type == kind]


def test_the_same_in_two_topics_of_a_group_is_told_once_with_both_names(world):
    slow = world(1, sessions=1000)
    slow = slow.change("garden", response_time=_slow).change("violin", response_time=_slow)
    apart = _told(slow.sample())
    (once,) = _told(_in_one_group(slow.sample()))
    head, other = sorted(apart, key=lambda one: -one.support)
    assert {one.topic for one in apart} == {"t-garden", "t-violin"}
    assert once.id == head.id
    assert once.description.startswith(head.description)
    assert slow.sample().topic_names[slow.sample().topic_ids.index(other.topic)] in once.description
    assert f"({other.support} interactions)" in once.description
    assert {*once.evidence} & {*head.evidence}
    assert {*once.evidence} & {*other.evidence}
    assert len(once.evidence) == 20


def test_topics_of_different_groups_are_told_apart(world):
    slow = world(1, sessions=1000)
    sample = slow.change("garden", response_time=_slow).change("violin", response_time=_slow).sample()
    assert len(_told(replace(sample, groups=sample.topic_ids))) == 2


def test_another_effect_is_another_fault(world):
    slow = world(1, sessions=1000).change("garden", response_time=_slow)
    sample = slow.change("violin", response_time=lambda record: record.response_time * 40).sample()
    assert len(_told(_in_one_group(sample))) == 2


def test_another_error_is_another_fault(world):
    failing = world(1, sessions=1000).change("garden", share=0.4, error="timeout")
    sample = failing.change("violin", share=0.4, error="quota").sample()
    told = _told(_in_one_group(sample), "error_pattern")
    assert {one.subject["error"] for one in told} == {"timeout", "quota"}


def test_another_time_is_another_fault(world):
    def hour(record):
        return (record.occurred_at - START) / HOUR

    week = world(1, sessions=3000, hours=24 * 7)
    early = week.change("garden", where=lambda record: 30 < hour(record) < 50, error="quota")
    sample = early.change("violin", where=lambda record: 100 < hour(record) < 120, error="quota").sample()
    told = [one.topic for one in _told(_in_one_group(sample), "error_pattern") if one.topic is not None]
    assert sorted(told) == ["t-garden", "t-violin"]
