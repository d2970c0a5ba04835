"""What people decide about topics, and the history of one."""

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.decided import View
from kaizen_api.lives import Life, Point
from kaizen_api.schema import Decision, Step, Topic

DAY = 86_400_000_000


async def test_a_topic_is_renamed_and_gets_its_automatic_name_back(client, engine):
    renamed = await client.post("/v1/topics/t1/rename", json={"name": "cards"})
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["renamed"]) == (200, "cards", True)
    assert (await client.post("/v1/topics/t1/rename", json={"name": None})).json()["renamed"] is False
    assert [asked[1:] for asked in engine.asked] == [("t1", "cards"), ("t1", None)]


async def test_a_topic_is_merged_and_split_again(client, engine):
    merged = (await client.post("/v1/topics/t1/merge", json={"into": "t2"})).json()
    assert (merged["id"], merged["merged"]) == ("t2", ["t1"])
    assert (await client.post("/v1/topics/t1/split")).json()["id"] == "t1"
    assert [asked[1:] for asked in engine.asked] == [("t1", "t2"), ("t1",)]


async def test_what_the_engine_refuses_is_a_problem_document(client):
    answer = await client.post("/v1/topics/t1/rename", json={"name": "taken"})
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert "choose another name" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("step", "body"),
    [
        ("rename", {}),
        ("rename", {"name": 3}),
        ("rename", {"name": "x", "more": 1}),
        ("merge", {}),
        ("merge", {"into": ""}),
        ("merge", {"into": ["t1", "t2"]}),
    ],
)
async def test_a_body_that_says_something_else_is_refused(client, engine, step, body):
    answer = await client.post(f"/v1/topics/t1/{step}", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert engine.asked == []


@pytest.fixture
def lineage(api_redis, api_config):
    """t1 lives, a person merged t2 into it, t3 merged into it by itself, t4 died."""
    tenant = api_config.tenant

    def put(kind, thing):
        api_redis.hset(keys.objects(tenant, kind), thing.id, msgspec.msgpack.encode(thing))

    topics = [
        Topic(id="t1", name="cards", size=40, failure_rate=0.5, exemplars=["pin"], users=9),
        Topic(id="t2", name="card pins", size=10, failure_rate=0.0, exemplars=["new pin"], users=4),
    ]
    view = View(shown=["t1", "t2"], gone={"t3": "t1", "t4": ""})
    api_redis.hset(keys.snapshot(tenant), "topics", msgspec.msgpack.encode(topics))
    api_redis.hset(keys.snapshot(tenant), "view", msgspec.msgpack.encode(view))
    series = {at: Point(at=at * DAY, size=10, failure_rate=0.1 * at) for at in (1, 2, 3)}
    birth, merger = Step(at=DAY, event="birth"), Step(at=2 * DAY, event="took in", detail="t3")
    put("life", Life(id="t1", name="cards", history=[birth, merger], series=[series[1], series[2], series[3]]))
    put(
        "life",
        Life(id="t2", name="card pins", history=[Step(at=2 * DAY, event="birth")], series=[series[2], series[3]]),
    )
    gone = Step(at=2 * DAY, event="merged into", detail="t1")
    put("life", Life(id="t3", name="chip", history=[birth, gone], series=[series[1]], into="t1", ended_at=2 * DAY))
    put("life", Life(id="t4", name="dodo", history=[birth], series=[series[1]], exemplars=["ask"], ended_at=2 * DAY))
    merged = Step(at=3 * DAY, event="merged by a person", detail="t1")
    put("decision", Decision(id="t2", into="t1", history=[merged]))


@pytest.mark.usefixtures("lineage")
async def test_the_list_shows_what_people_merged_as_one(client):
    items = (await client.get("/v1/topics")).json()["items"]
    assert [(each["id"], each["size"], each["failure_rate"], each["merged"]) for each in items] == [
        ("t1", 50, 0.4, ["t2"])
    ]


@pytest.mark.usefixtures("lineage")
async def test_a_topic_that_is_no_more_says_where_it_went(client):
    answers = {topic: (await client.get(f"/v1/topics/{topic}")).json() for topic in ("t2", "t3", "t4")}
    assert {topic: (each["name"], each["into"]) for topic, each in answers.items()} == {
        "t2": ("card pins", "t1"),
        "t3": ("chip", "t1"),
        "t4": ("dodo", None),
    }
    assert answers["t2"]["ended_at"] is None
    assert answers["t4"]["ended_at"] == "1970-01-03T00:00:00Z"
    assert (await client.get("/v1/topics/none")).status_code == 404


@pytest.mark.usefixtures("lineage")
async def test_a_history_tells_who_came_and_went_and_counts_them_in(client):
    told = (await client.get("/v1/topics/t1/history")).json()
    assert [(each["event"], each["topic"], each["topic_name"]) for each in told["events"]] == [
        ("birth", None, None),
        ("took in", "t3", "chip"),
        ("took in by a person", "t2", "card pins"),
    ]
    assert [(each["at"][:10], each["size"]) for each in told["series"]] == [
        ("1970-01-02", 20),
        ("1970-01-03", 20),
        ("1970-01-04", 20),
    ]
    assert told["series"][1]["failure_rate"] == 0.2


@pytest.mark.usefixtures("lineage")
async def test_the_history_of_a_part_is_its_own(client):
    told = (await client.get("/v1/topics/t2/history")).json()
    assert told["topic"]["into"] == "t1"
    assert [(each["event"], each["topic_name"]) for each in told["events"]] == [
        ("birth", None),
        ("merged by a person", "cards"),
    ]
    assert [each["size"] for each in told["series"]] == [10, 10]
