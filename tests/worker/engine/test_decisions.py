"""People rename and merge topics: at once, through every analysis, and back again."""

import threading
from collections import Counter

import pytest

from kaizen_api import analyses, keys
from kaizen_api.decided import MAX_TOPIC_NAME
from kaizen_api.errors import Conflict, Invalid, NotFound
from kaizen_api.metrics import field
from kaizen_api.queries import Queries
from kaizen_worker.engine import cycle, decisions, live, topics
from kaizen_worker.engine.decisions import merge, rename, split
from kaizen_worker.store import snapshot

AT = 1_800_000_000_000_000


@pytest.fixture
def queries(redis):
    return Queries(redis, tenant="default")


@pytest.fixture
def again(tenant, settings):
    """Runs one more analysis."""
    return lambda: cycle.analyze(tenant, analyses.note(settings, tenant="default").id)


@pytest.fixture
def two(push, analyse, queries):
    """A log with its topics; gives the ids of the two largest."""
    push()
    analyse()
    one, other, *_ = queries.topics()
    return one.id, other.id


def shown(queries):
    return {topic.id: (topic.name, topic.size) for topic in queries.topics()}


def number(redis):
    return [int(redis.hget(key, field("kaizen_topics"))) for key in (keys.metrics("default"), keys.ROLLUP)]


def test_a_name_that_a_person_gave_holds_at_once_and_through_analyses(two, tenant, queries, push, analyse):
    automatic = shown(queries)
    assert rename(tenant, two[0], "  moving \n house ", at=AT).name == "moving house"
    assert shown(queries) == {**automatic, two[0]: ("moving house", automatic[two[0]][1])}
    push(first=500)
    analyse()
    assert shown(queries)[two[0]][0] == "moving house"
    assert rename(tenant, two[0], None, at=AT).renamed is False
    assert shown(queries)[two[0]][0] != "moving house"


@pytest.mark.parametrize(
    ("name", "said"),
    [(" \n", "blank"), ("x" * (MAX_TOPIC_NAME + 1), f"{MAX_TOPIC_NAME} at most"), ("a\x1bb", "cannot be printed")],
)
def test_what_is_no_name_is_refused(two, tenant, name, said):
    with pytest.raises(Invalid, match=said):
        rename(tenant, two[0], name, at=AT)
    assert tenant.decisions.get(two[0]) is None


def test_a_name_that_another_topic_has_is_refused_and_its_own_is_not(two, tenant, queries):
    taken = shown(queries)[two[1]][0]
    with pytest.raises(Conflict, match=f"{two[1]} is called"):
        rename(tenant, two[0], taken.upper(), at=AT)
    assert rename(tenant, two[1], taken, at=AT).renamed


def test_what_does_not_exist_is_not_found(two, tenant):
    calls = (
        lambda: rename(tenant, "none", "x", at=AT),
        lambda: merge(tenant, [two[0], "none"], two[1], at=AT),
        lambda: merge(tenant, [two[0]], "none", at=AT),
        lambda: split(tenant, "none", at=AT),
    )
    for call in calls:
        with pytest.raises(NotFound, match="`kaizen topics` lists them"):
            call()
    assert list(tenant.decisions.all()) == []


def test_merged_topics_are_one_everywhere_and_come_back(two, tenant, queries, push, analyse):
    redis = tenant.redis
    before = shown(queries)
    found = len(before)
    assert number(redis) == [found, found]
    merged = merge(tenant, [two[1]], two[0], at=AT)
    size = before[two[0]][1] + before[two[1]][1]
    assert (merged.id, merged.size, merged.merged) == (two[0], size, [two[1]])
    rest = {topic: each for topic, each in before.items() if topic not in two}
    assert shown(queries) == {two[0]: (before[two[0]][0], size), **rest}
    assert number(redis) == [found - 1, found - 1]
    push(first=500)
    done, _ = analyse()
    whole = queries.topic(two[0])
    members = [interaction for interaction, topic in queries.assignments(done.id) if topic == two[0]]
    assert whole.merged == [two[1]]
    assert (whole.size, whole.users) == (len(members), len({name.strip("qn") for name in members}))
    assert done.topics == len(queries.topics()) == number(redis)[0] == number(redis)[1]
    assert two[1] not in {gap.topic for gap in tenant.gaps.all() if gap.status != "closed"}
    assert two[1] not in {one.topic for one in tenant.insights.all() if one.seen_at > done.requested_at - 100}
    assert split(tenant, two[1], at=AT + 1).id == two[1]
    assert done.topics + 1 == len(queries.topics()) == number(redis)[0] == number(redis)[1]
    sizes = Counter(topic for _, topic in queries.assignments(done.id) if topic is not None)
    assert {topic.id: topic.size for topic in queries.topics()} == sizes


def test_what_comes_in_live_counts_to_the_merged_topic(two, tenant, queries, push, analyse):
    merge(tenant, [two[1]], two[0], at=AT)
    push(first=500)
    while live.consume(tenant, place="0"):
        pass
    assert tenant.redis.hexists(keys.live("default"), two[1])
    assert queries.topic(two[0]).live == sum(int(tenant.redis.hget(keys.live("default"), topic)) for topic in two)
    analyse()
    push(first=900)
    while live.consume(tenant, place="0"):
        pass
    assert tenant.redis.hexists(keys.live("default"), two[0])
    assert not tenant.redis.hexists(keys.live("default"), two[1])


def test_decisions_may_be_repeated(two, tenant):
    for _ in range(2):
        rename(tenant, two[0], "moving", at=AT)
        merge(tenant, [two[1]], two[0], at=AT)
    assert [len(tenant.decisions.get(topic).history) for topic in two] == [1, 1]
    for _ in range(2):
        split(tenant, two[1], at=AT)
        rename(tenant, two[0], None, at=AT)
    assert [len(tenant.decisions.get(topic).history) for topic in two] == [2, 2]


def test_what_makes_no_sense_is_refused_and_says_what_to_do(two, tenant):
    one, other = two
    with pytest.raises(Conflict, match="into itself"):
        merge(tenant, [other, one], one, at=AT)
    assert tenant.decisions.get(other) is None, "all of them or none"
    merge(tenant, [other], one, at=AT)
    with pytest.raises(Conflict, match=f"part of {one}.*split {other}"):
        merge(tenant, [one], other, at=AT)
    with pytest.raises(Conflict, match=f"part of {one}.*split {other}"):
        rename(tenant, other, "x", at=AT)


def test_an_analysis_that_publishes_meanwhile_loses_no_decision(two, tenant, again, redis, monkeypatch):
    """A person merges after the analysis has read what was decided, and before it publishes."""
    found = topics.fold

    def late(*arguments):
        merge(tenant, [two[1]], two[0], at=AT)
        rename(tenant, two[0], "both", at=AT)
        return found(*arguments)

    monkeypatch.setattr(topics, "fold", late)
    again()
    queries = Queries(redis, tenant="default")
    assert shown(queries)[two[0]][0] == "both"
    assert queries.topic(two[0]).merged == [two[1]]
    assert number(redis) == [len(shown(queries))] * 2


def test_a_decision_in_the_last_moment_counts_in_the_number_of_topics(two, tenant, again, redis, monkeypatch):
    """A person merges after publishing has counted, and before it takes effect."""
    counted, merged = snapshot._digest, []

    def late(stored):
        digest = counted(stored)
        if not merged:
            merged.append(merge(tenant, [two[1]], two[0], at=AT))
        return digest

    monkeypatch.setattr(snapshot, "_digest", late)
    again()
    assert number(redis) == [len(Queries(redis, tenant="default").topics())] * 2


def test_people_and_analyses_at_the_same_time_lose_nothing(two, tenant, again, redis):
    """Many decisions race several analyses; what was decided last stands, and the number of topics with it."""

    def decide():
        for turn in range(40):
            merge(tenant, [two[1]], two[0], at=AT + turn)
            rename(tenant, two[0], f"turn {turn}", at=AT + turn)
            split(tenant, two[1], at=AT + turn)

    person = threading.Thread(target=decide)
    person.start()
    while person.is_alive():
        again()
    person.join()
    queries = Queries(redis, tenant="default")
    assert shown(queries)[two[0]][0] == "turn 39"
    assert set(two) <= set(shown(queries))
    assert [step.event for step in tenant.decisions.get(two[1]).history] == ["merged by a person", "unmerged"] * 40
    assert number(redis) == [len(shown(queries))] * 2


def test_a_history_of_decisions_is_bounded(two, tenant, monkeypatch):
    monkeypatch.setattr(decisions, "HISTORY_KEPT", 3)
    for turn in range(5):
        rename(tenant, two[0], f"turn {turn}", at=AT + turn)
    assert [step.detail for step in tenant.decisions.get(two[0]).history] == ["turn 2", "turn 3", "turn 4"]
