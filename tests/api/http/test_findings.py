import msgspec
import pytest
import redis
import zstandard

from kaizen_api import keys
from kaizen_api.errors import Unavailable
from kaizen_api.schema import Chance, Cycle, Effect, Entry, Gap, Insight, Interval, Provenance, Record, Step, Topic

DIFFERENCE = Interval(estimate=-0.1, low=-0.2, high=0.0, unit="share")
DAY = 86_400_000_000


def store(client, kind, *objects):
    for rank, each in enumerate(objects):
        client.hset(keys.objects("acme", kind), each.id, msgspec.msgpack.encode(each))
        client.zadd(keys.order("acme", kind), {each.id: rank})


def store_topics(client, *topics):
    client.hset(keys.snapshot("acme"), "topics", msgspec.msgpack.encode(list(topics)))


def topic(number, size):
    return Topic(id=f"t{number}", name=f"topic {number}", size=size, failure_rate=0.25, exemplars=["how?"])


def insight(number, **fields):
    said = {"type": "gap", "description": "d", "confidence": 0.9, "evidence": [], "recommendation": "r"}
    return Insight(id=f"i{number}", effect=DIFFERENCE, **{**said, **fields})


async def everything(client, path, **params):
    """All items, page by page."""
    items, cursor = [], None
    while True:
        page = (await client.get(path, params={**params, **({"cursor": cursor} if cursor else {})})).json()
        assert set(page) == {"items", "next"}
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


async def test_an_insight_has_every_field_and_readable_times(client, api_redis):
    store(api_redis, "insight", insight(1, history=[Step(at=DAY, event="proposed")]))
    (found,) = (await client.get("/v1/insights")).json()["items"]
    assert found["id"] == "i1"
    contract = {"id", "type", "description", "confidence", "effect", "evidence", "recommendation", "status"}
    assert contract <= set(found)
    assert found["status"] == "proposed"  # a default, which storage leaves out
    assert found["effect"] == {"estimate": -0.1, "low": -0.2, "high": 0.0, "unit": "share"}
    assert found["history"] == [{"at": "1970-01-02T00:00:00Z", "event": "proposed", "detail": ""}]
    assert (await client.get("/v1/insights/i1")).json() == found


async def test_pages_give_each_once(client, api_redis):
    store(api_redis, "insight", *(insight(number) for number in range(25)))
    ids = [each["id"] for each in await everything(client, "/v1/insights", limit=7)]
    assert ids == [f"i{number}" for number in reversed(range(25))]


async def test_filters(client, api_redis):
    store(
        api_redis,
        "insight",
        insight(1, type="clarity", topic="t1"),
        insight(2, status="applied", topic="t1"),
        insight(3, topic="t2"),
    )

    async def ids(**params):
        return [each["id"] for each in await everything(client, "/v1/insights", limit=1, **params)]

    assert await ids(type="gap") == ["i3", "i2"]
    assert await ids(status="applied") == ["i2"]
    assert await ids(topic="t1") == ["i2", "i1"]
    assert await ids(topic="t1", type="clarity") == ["i1"]
    assert await ids(topic="none") == []


async def test_gaps_effects_and_entries(client, api_redis):
    gaps = [Gap(id=f"g{n}", topic="t1", diagnosis="missing", users=n, queries=["q"]) for n in (1, 2)]
    store(api_redis, "gap", gaps[0], msgspec.structs.replace(gaps[1], status="filled"))
    effect = Effect(
        id="i1",
        insight="i1",
        topic="t1",
        applied_at=DAY,
        exposed=9,
        exposed_failures=1,
        held_out=3,
        held_out_failures=2,
        difference=DIFFERENCE,
        p_value=0.04,
    )
    store(api_redis, "effect", effect)
    where = Provenance(source="import", retrieved_at=DAY, content_hash="0")
    entries = [
        Entry(id="docs/a b.md#1", title="A", text="a", provenance=where),
        Entry(id="e2", title="B", text="b", provenance=where, state="quarantined"),
    ]
    store(api_redis, "entry", *entries)
    assert [each["id"] for each in await everything(client, "/v1/gaps", status="open")] == ["g1"]
    assert [each["entries"] for each in await everything(client, "/v1/gaps", topic="t1")] == [[], []]
    (measured,) = await everything(client, "/v1/effects", status="measuring")
    assert (measured["verdict"], measured["applied_at"]) == ("measuring", "1970-01-02T00:00:00Z")
    assert await everything(client, "/v1/effects", status="harmful") == []
    assert [each["id"] for each in await everything(client, "/v1/entries", state="quarantined")] == ["e2"]
    assert (await client.get("/v1/entries/docs%2Fa%20b.md%231")).json()["title"] == "A"
    assert (await client.get("/v1/gaps/g2")).json()["status"] == "filled"
    assert (await client.get("/v1/effects/i1")).json() == measured


async def test_topics_go_on_where_they_stopped_even_after_a_cycle(client, api_redis):
    found = [topic(number, size=100 - number) for number in range(9)]
    store_topics(api_redis, *found)
    assert [each["id"] for each in await everything(client, "/v1/topics", limit=4)] == [each.id for each in found]
    cursor = (await client.get("/v1/topics", params={"limit": 4})).json()["next"]
    store_topics(api_redis, *(each for each in found if each.id != "t3"))
    after = (await client.get("/v1/topics", params={"cursor": cursor})).json()["items"]
    assert [each["id"] for each in after] == ["t4", "t5", "t6", "t7", "t8"]
    assert (await client.get("/v1/topics/t5")).json()["failure_rate"] == 0.25


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("topics", "GET /v1/topics lists them"),
        ("insights", "GET /v1/insights lists them"),
        ("gaps", "GET /v1/gaps lists them"),
        ("effects", "GET /v1/effects lists them"),
        ("entries", "GET /v1/entries lists them"),
        ("analyses", "POST /v1/analyses starts one"),
    ],
)
async def test_what_is_not_there_is_named_with_a_route_that_helps(client, kind, remedy):
    detail = (await client.get(f"/v1/{kind}/none")).json()["detail"]
    assert detail.endswith(remedy)
    assert "kaizen" not in detail


@pytest.mark.parametrize("kind", ["topics", "insights", "gaps", "effects", "entries", "analyses"])
async def test_what_is_not_there_is_404_and_what_is_wrong_422(client, kind):
    async def status(path, **params):
        answer = await client.get(path, params=params)
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code

    assert await status(f"/v1/{kind}") == 200
    assert await status(f"/v1/{kind}/none") == 404
    for wrong in (
        {"limit": 0},
        {"limit": 501},
        {"limit": "x"},
        {"cursor": "x"},
        {"cursor": ""},
        {"cursor": "1"},
        {"after": "xyz"},
        {"offset": "5"},
        {"limits": "5"},
        {"cursor": "nan:x"},
        {"cursor": "1.2.3:"},
    ):
        assert await status(f"/v1/{kind}", **wrong) == 422, wrong
    assert await status(f"/v1/{kind}", cursor="1e999:x") in {200, 422}


@pytest.mark.parametrize("params", [{"type": "x"}, {"status": "x"}])
async def test_a_filter_that_cannot_match_is_422(client, params):
    answer = await client.get("/v1/insights", params=params)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["place"] == f"query.{next(iter(params))}"


async def test_an_insight_is_applied_reverted_and_dismissed(client, engine):
    for _ in range(2):
        applied = await client.post("/v1/insights/i1/apply")
        assert (applied.status_code, applied.json()["status"]) == (200, "applied")
    conflict = await client.post("/v1/insights/i1/dismiss", json={"reason": "no"})
    assert (conflict.status_code, conflict.headers["content-type"]) == (409, "application/problem+json")
    assert "revert" in conflict.json()["detail"]
    assert (await client.post("/v1/insights/i1/revert")).json()["status"] == "reverted"
    assert (await client.post("/v1/insights/i1/dismiss", json={"reason": "known"})).json()["status"] == "dismissed"
    assert (await client.post("/v1/insights/i1/dismiss")).status_code == 200
    assert engine.asked == [("acme", "i1", "known"), ("acme", "i1", "")]
    assert (await client.post("/v1/insights/none/apply")).status_code == 404
    assert (await client.post("/v1/insights/i1/dismiss", json={"reason": 5})).status_code == 422


async def test_knowledge_at_answer_time(client, engine):
    answer = await client.get("/v1/knowledge", params={"q": "reset my PIN", "session_id": "s1", "limit": 50})
    assert answer.json() == {
        "entries": [
            {
                "id": "e1",
                "title": "PIN",
                "text": "for acme",
                "score": 0.5,
                "provenance": {
                    "source": "import",
                    "retrieved_at": "2023-11-14T22:13:20Z",
                    "content_hash": "00",
                    "url": None,
                    "query": None,
                    "gap": None,
                    "batch": None,
                    "licence": None,
                    "trust": 0.5,
                    "adapter": None,
                },
            }
        ],
        "guidance": ["be kind to acme"],
    }
    assert engine.asked == [("acme", "reset my PIN", "s1", 50)]


@pytest.mark.parametrize("params", [{}, {"q": ""}, {"q": "  "}, {"q": "x" * 9000}, {"q": "x", "limit": 51}])
async def test_a_wrong_look_up_is_422(client, engine, params):
    answer = await client.get("/v1/knowledge", params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert engine.asked == []


async def test_an_engine_without_redis_is_503_and_one_with_a_defect_500(client, engine):
    engine.failure = Unavailable("Redis is away", retry_after=2.4)
    answer = await client.get("/v1/knowledge", params={"q": "x"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    engine.failure = ZeroDivisionError("secret internals")
    answer = await client.get("/v1/knowledge", params={"q": "x"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "internals" not in answer.text


@pytest.mark.parametrize(
    "failure",
    [redis.ConnectionError("secret"), redis.TimeoutError("secret"), redis.ReadOnlyError("You can't write")],
)
async def test_what_the_engine_meets_in_redis_is_503(client, engine, failure):
    engine.failure = failure
    for method, path in (
        ("GET", "/v1/knowledge?q=x"),
        ("POST", "/v1/insights/i1/dismiss"),
    ):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert (answer.headers["retry-after"], type(failure).__name__ in answer.json()["detail"]) == ("1", True)
        assert "secret" not in answer.text


async def test_an_analysis_is_asked_for_and_followed(client, api_redis):
    answer = await client.post("/v1/analyses")
    assert answer.status_code == 202
    cycle = answer.json()
    assert (cycle["status"], cycle["tenant"], cycle["finished_at"]) == ("queued", "acme", None)
    assert cycle["requested_at"].endswith("Z")
    assert (await client.get(answer.headers["location"])).json() == cycle
    assert (await client.get("/v1/analyses")).json()["items"] == [cycle]
    assert api_redis.keys(keys.BROKER_PREFIX + "*")


async def test_an_analysis_is_cancelled_once_and_only_before_it_ends(client, api_redis):
    asked = (await client.post("/v1/analyses")).json()
    path = f"/v1/analyses/{asked['id']}"
    cancelled = await client.delete(path)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (await client.delete(path)).json() == cancelled.json() == (await client.get(path)).json()
    unknown = await client.delete("/v1/analyses/y1")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
    assert "GET /v1/analyses lists them" in unknown.json()["detail"]
    done = Cycle(id="y2", tenant="acme", status="done")
    api_redis.hset(keys.objects("acme", "cycle"), "y2", msgspec.msgpack.encode(done))
    ended = await client.delete("/v1/analyses/y2")
    assert (ended.status_code, ended.headers["content-type"]) == (409, "application/problem+json")
    assert "ended as done" in ended.json()["detail"]


async def test_reads_without_redis_are_503(serve, unreachable_config):
    client = await serve(unreachable_config)
    for path in ("/v1/topics", "/v1/insights/x", "/v1/analyses", "/readyz"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), path
        assert int(answer.headers["retry-after"]) >= 1
    assert (await client.post("/v1/analyses")).status_code == 503
    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/kaizen/health")).status_code == 503


def keep(client, *records):
    """Have the log hold these, in one batch."""
    client.xadd(keys.log("acme"), {"b": zstandard.compress(msgspec.msgpack.encode(list(records)))})


async def test_an_explanation_says_how_sure_against_what_and_shows_examples(client, api_redis):
    chance = Chance(p_value=0.0004, q_value=0.012, hypotheses=180)
    found = insight(1, topic="t1", subject={"topic": "t1"}, evidence=["x1", "x2"], chance=chance)
    store(api_redis, "insight", msgspec.structs.replace(found, signs={"x1": ["refusal"]}))
    store_topics(api_redis, topic(1, size=10))
    keep(api_redis, Record(id="x1", occurred_at=DAY, query="how?", response="Sorry."))
    said = (await client.get("/v1/insights/i1/explanation")).json()
    assert said["where"] == "topic 'topic 1' (t1)"
    assert said["sureness"] == "of 100 findings as sure as this one, about 90 are real, and the rest is chance"
    assert "p = 0.0004" in said["chance"]
    assert "with all 180 hypotheses of that analysis controlled q = 0.012" in said["chance"]
    (example,) = said["examples"]
    assert (example["id"], example["query"], example["response"]) == ("x1", "how?", "Sorry.")
    assert (example["occurred_at"], example["signs"]) == ("1970-01-02T00:00:00Z", ["refusal"])
    assert (said["gone"], said["stale"], said["steps"]) == (["x2"], False, ["apply", "dismiss"])
    assert (await client.get("/v1/insights/none/explanation")).status_code == 404


async def test_an_interaction_is_found_by_its_id_and_never_by_another_tenant(client, api_redis):
    odd = "a/b c#1"
    keep(api_redis, Record(id="x1", occurred_at=DAY, query="first"), Record(id=odd, occurred_at=DAY, query="how?"))
    api_redis.xadd(
        keys.log("globex"),
        {"b": zstandard.compress(msgspec.msgpack.encode([Record(id="x2", occurred_at=DAY, query="secret")]))},
    )
    found = (await client.get("/v1/interactions/a%2Fb%20c%231")).json()
    assert (found["query"], found["occurred_at"], found["error"]) == ("how?", "1970-01-02T00:00:00Z", None)
    for gone in ("x2", "x"):
        answer = await client.get(f"/v1/interactions/{gone}")
        assert answer.status_code == 404
        assert "kept for KAIZEN_METRICS_RETENTION_DAYS days" in answer.json()["detail"]


async def test_the_kinds_of_request_are_those_of_the_callers_tenant(client, api_redis):
    store(api_redis, "cycle", Cycle(id="c1", tenant="acme", status="done", requested_at=DAY, kinds={"question": 3}))
    other = Cycle(id="c2", tenant="globex", status="done", requested_at=DAY, kinds={"creation": 9})
    api_redis.hset(keys.objects("globex", "cycle"), "c2", msgspec.msgpack.encode(other))
    api_redis.zadd(keys.order("globex", "cycle"), {"c2": 1})
    assert (await client.get("/v1/kinds")).json() == {
        "interactions": 3,
        "kinds": [{"kind": "question", "interactions": 3, "share": 1.0}],
        "analysed_at": "1970-01-02T00:00:00Z",
    }


@pytest.mark.parametrize("kind", ["topics", "insights", "gaps", "effects", "entries", "analyses"])
async def test_a_wrong_cursor_or_parameter_is_refused_with_its_remedy(client, kind):
    async def detail(**params):
        answer = await client.get(f"/v1/{kind}", params=params)
        assert answer.status_code == 422
        return answer.json()["detail"]

    assert "use the `next` of the page before" in await detail(cursor="xyz")
    assert "did you mean `cursor`?" in await detail(after="xyz")
    assert "did you mean `limit`?" in await detail(limt="3")
    assert (await client.get(f"/v1/{kind}", params={"tenant": "acme", "limit": 3})).status_code == 200


async def test_a_misspelt_filter_is_not_passed_over_elsewhere(client):
    for path in ("/v1/knowledge?q=a&session=s", "/v1/kinds?topic=t", "/v1/topics/t?histry=1"):
        assert (await client.get(path)).status_code == 422
    assert (await client.get("/livez?now=1")).status_code == 200
