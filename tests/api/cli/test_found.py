import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.schema import Effect, Gap, Insight, Interval, Step, Topic

AT = 1_700_000_000_000_000
INTERVAL = Interval(estimate=0.25, low=0.2, high=0.3, unit="share")


def insight(number, **changed):
    values = {
        "id": f"i{number}",
        "type": "performance",
        "description": f"slow answers {number}",
        "confidence": 0.93,
        "effect": INTERVAL,
        "evidence": ["x1", "x2"],
        "recommendation": "cache them",
        "topic": "t1",
        "support": 40,
        "users": 7,
        "history": [Step(at=AT, event="proposed")],
    }
    return Insight(**{**values, **changed})


@pytest.fixture
def put(redis):
    def put(kind, thing, rank=1.0):
        redis.hset(keys.objects("default", kind), thing.id, msgspec.msgpack.encode(thing))
        redis.zadd(keys.order("default", kind), {thing.id: rank})

    return put


@pytest.fixture
def topics(redis):
    known = [
        Topic(
            id="t1",
            name="card pin",
            size=60,
            failure_rate=0.5,
            exemplars=["reset my pin", "new pin"],
            users=9,
            share=0.6,
        ),
        Topic(id="t2", name="refund", size=40, failure_rate=0.1, exemplars=["money back"], share=0.4),
    ]
    redis.hset(keys.snapshot("default"), "topics", msgspec.msgpack.encode(known))


@pytest.mark.parametrize("kind", ["topics", "insights", "gaps", "effects"])
def test_an_empty_list_says_so(kaizen, kaizen_json, kind):
    assert kaizen_json(kind) == {"items": [], "next": None}
    assert kaizen(kind).stdout.startswith("no ")


@pytest.mark.usefixtures("topics")
def test_topics_are_listed(kaizen, kaizen_json):
    assert [topic["id"] for topic in kaizen_json("topics")["items"]] == ["t1", "t2"]
    assert [topic["id"] for topic in kaizen_json("topics", "--limit", "1")["items"]] == ["t1"]
    lines = kaizen("topics", "list").stdout.splitlines()
    assert lines[1].split()[:3] == ["t1", "card", "pin"]


@pytest.mark.usefixtures("topics")
def test_a_topic_is_shown_with_its_examples(kaizen, kaizen_json):
    assert kaizen_json("topics", "show", "t1")["exemplars"] == ["reset my pin", "new pin"]
    text = kaizen("topics", "show", "t1").stdout
    assert "60 interactions, 60.0% of the window, 9 users" in text
    assert "new pin" in text


@pytest.mark.usefixtures("topics")
def test_an_insight_says_what_how_sure_why_examples_and_what_to_do(kaizen, put):
    put("insight", insight(1))
    text = kaizen("insights", "show", "i1").stdout
    for part in (
        "slow answers 1",
        "93.0%",
        "0.25 share (95 % interval 0.2 to 0.3)",
        "reset my pin",
        "x1, x2",
        "cache them",
    ):
        assert part in text
    assert "2023-11-14T22:13:20Z  proposed" in text


def test_insights_are_filtered(kaizen_json, put):
    put("insight", insight(1), rank=3)
    put("insight", insight(2, status="applied"), rank=2)
    put("insight", insight(3, type="gap"), rank=1)

    def ids(*args):
        return [found["id"] for found in kaizen_json("insights", *args)["items"]]

    assert ids() == ["i1", "i2", "i3"]
    assert ids("--status", "proposed") == ["i1", "i3"]
    assert ids("--type", "gap", "--status", "proposed") == ["i3"]
    assert ids("list", "--status", "applied") == ["i2"]


def test_pages_go_on_where_the_last_one_ended(kaizen, kaizen_json, put):
    for number in range(5):
        put("insight", insight(number), rank=-number)
    first = kaizen_json("insights", "--limit", "2")
    second = kaizen_json("insights", "--limit", "3", "--cursor", first["next"])
    assert [found["id"] for found in first["items"] + second["items"]] == ["i0", "i1", "i2", "i3", "i4"]
    assert second["next"] is None
    assert f"more: --cursor {first['next']}" in kaizen("insights", "--limit", "2").stdout


def test_a_gap_says_why(kaizen, kaizen_json, put):
    put("gap", Gap(id="g1", topic="t1", diagnosis="stale", users=4, queries=["pin reset"], deficit=0.3, coverage=0.9))
    text = kaizen("gaps", "show", "g1").stdout
    assert "stale: what the knowledge base has about it is out of date" in text
    assert "30.0% more failures" in text
    assert kaizen_json("gaps", "--status", "filled")["items"] == []
    assert kaizen_json("gaps", "--status", "open")["items"][0]["id"] == "g1"


def test_an_effect_shows_both_arms(kaizen, kaizen_json, put):
    effect = Effect(
        id="i1",
        insight="i1",
        topic="t1",
        applied_at=AT,
        exposed=80,
        exposed_failures=8.0,
        held_out=20,
        held_out_failures=9.5,
        difference=INTERVAL,
        p_value=0.004,
        verdict="confirmed",
    )
    put("effect", effect)
    text = kaizen("effects", "show", "i1").stdout
    assert "with the change: 80 conversations, 8.0 failed" in text
    assert "hold-out: 20 conversations, 9.5 failed" in text
    assert kaizen_json("effects", "--verdict", "confirmed")["items"][0]["applied_at"] == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize("kind", ["topics", "insights", "gaps", "effects"])
def test_what_is_not_there_is_an_error_that_says_where_to_look(kaizen, kind):
    result = kaizen(kind, "show", "nothing")
    assert result.exit_code == 1
    assert f"no {kind[:-1]} nothing: `kaizen {kind}` lists them" in result.stderr


def test_a_cursor_of_ours_is_needed(kaizen):
    result = kaizen("insights", "--cursor", "x")
    assert result.exit_code == 1
    assert "`next` of the page before" in result.stderr


def test_markup_in_what_users_wrote_is_not_obeyed(kaizen, put):
    put("insight", insight(1, description="[red]not red[/red] \x1b[31m"))
    assert "[red]not red[/red]" in kaizen("insights", "show", "i1").stdout


def test_tenants_are_kept_apart(redis, kaizen_json, put):
    put("insight", insight(1))
    redis.sadd(keys.TENANTS, "acme")
    assert kaizen_json("insights", "--tenant", "acme")["items"] == []


def test_a_tenant_that_never_sent_anything_is_told_of(kaizen):
    result = kaizen("insights", "--tenant", "acmee")
    assert result.exit_code == 1
    assert "no such tenant acmee: `kaizen tenants` lists them" in result.stderr
