import re
from html.parser import HTMLParser

import pytest

PATHS = {
    "/v1/interactions": {"post"},
    "/v1/traces": {"post"},
    "/v1/logs": {"post"},
    "/v1/topics": {"get"},
    "/v1/topics/{object_id}": {"get"},
    "/v1/topics/{topic_id}/history": {"get"},
    "/v1/topics/{topic_id}/rename": {"post"},
    "/v1/topics/{topic_id}/merge": {"post"},
    "/v1/topics/{topic_id}/split": {"post"},
    "/v1/kinds": {"get"},
    "/v1/insights": {"get"},
    "/v1/insights/{object_id}": {"get"},
    "/v1/insights/{object_id}/explanation": {"get"},
    "/v1/interactions/{object_id}": {"get"},
    "/v1/insights/{insight_id}/apply": {"post"},
    "/v1/insights/{insight_id}/dismiss": {"post"},
    "/v1/insights/{insight_id}/revert": {"post"},
    "/v1/gaps": {"get"},
    "/v1/gaps/{object_id}": {"get"},
    "/v1/effects": {"get"},
    "/v1/effects/{object_id}": {"get"},
    "/v1/entries": {"get"},
    "/v1/entries/{object_id}": {"get"},
    "/v1/analyses": {"get", "post"},
    "/v1/analyses/{cycle_id}": {"delete", "get"},
    "/v1/knowledge": {"get"},
    "/kaizen/metrics": {"get"},
    "/kaizen/health": {"get"},
    "/livez": {"get"},
    "/readyz": {"get"},
}


@pytest.fixture
async def document(client):
    return (await client.get("/openapi.json")).json()


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


async def test_the_description_has_every_route_and_no_dangling_reference(document):
    assert {path: set(operations) for path, operations in document["paths"].items()} == PATHS
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["description"], path
            if path.startswith("/v1/"):
                assert "application/problem+json" in operation["responses"]["default"]["content"]
                assert operation["security"]


async def test_the_description_is_of_what_is_answered(client, document):
    insight = document["components"]["schemas"]["Insight"]
    answered = (await client.post("/v1/insights/i1/apply")).json()
    assert set(answered) == set(insight["properties"]) == set(insight["required"])
    effect = document["components"]["schemas"]["Effect"]["properties"]
    assert effect["applied_at"] == {"type": ["string", "null"], "format": "date-time"}
    assert document["components"]["schemas"]["Interaction"]["required"] == ["query"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/none", 404), ("GET", "/v1", 404), ("DELETE", "/v1/topics", 405), ("PUT", "/v1/interactions", 405)],
)
async def test_no_such_route_is_a_problem_too(client, method, path, status):
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["title"]
    assert status != 405 or answer.headers["allow"]


async def test_answers_are_neither_cached_nor_guessed_at(client):
    for path in ("/v1/topics", "/v1/topics/none", "/", "/livez"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


async def test_health_and_metrics_are_served_here_too(client):
    await client.post("/v1/interactions", json={"query": "x"})
    metrics = await client.get("/kaizen/metrics")
    assert "\nkaizen_up 1.0\n" in metrics.text
    assert 'kaizen_ingested_total{result="accepted"} 1.0' in metrics.text
    assert (await client.get("/kaizen/health")).json()["stream"]["depth"] == 1
    for path in ("/livez", "/readyz"):
        assert (await client.get(path)).json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/kaizen/health", "/kaizen/metrics", "/", "/v1/topics"])
async def test_head_is_get_without_the_body(client, serve, unreachable_config, path):
    for served in (client, await serve(unreachable_config)):
        head, get = await served.head(path), await served.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert get.content
        assert head.headers["content-type"] == get.headers["content-type"]
    assert (await client.head("/v1/interactions")).status_code == 405


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def ids(self):
        return {attributes["id"] for _, attributes in self.tags if "id" in attributes}


async def test_the_console_runs_its_own_script_and_no_other(client):
    first, second = [await client.get("/") for _ in range(2)]
    policy = first.headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)[1]
    assert nonce not in second.text
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = Page(first.text)
    assert [a["nonce"] for tag, a in page.tags if tag in {"script", "style"}] == [nonce, nonce]
    outside = [a for _, a in page.tags for name in ("src", "href", "action") if str(a.get(name, "#"))[0] not in "#d"]
    assert outside == []
    assert not any(name.startswith("on") or name == "style" for _, a in page.tags for name in a)
    assert "{{" not in first.text


async def test_the_console_can_be_used_without_a_mouse_and_by_ear(client):
    page = Page((await client.get("/")).text)
    html = next(attributes for tag, attributes in page.tags if tag == "html")
    assert html["lang"] == "en"
    labelled = {attributes["for"] for tag, attributes in page.tags if tag == "label"}
    assert labelled == {attributes["id"] for tag, attributes in page.tags if tag == "input"}
    assert {a["aria-labelledby"] for tag, a in page.tags if tag == "section"} <= page.ids()
    assert any(attributes.get("role") == "status" for _, attributes in page.tags)


async def test_the_console_never_writes_markup(client):
    text = (await client.get("/")).text
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage", "cookie"):
        assert way not in text
