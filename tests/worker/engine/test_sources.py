"""A gap searched in several sources at once, on the real server: merged, and filled though one of them is down."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from msgspec.structs import replace

from kaizen_api import KaizenConfig
from kaizen_api.schema import Gap
from kaizen_worker.engine import fill, lifecycle
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.knowledge.making import Document, from_document
from kaizen_worker.search.choice import _KINDS
from kaizen_worker.search.source import OWN
from kaizen_worker.types import Passage

GAP = Gap(id="g1", topic="t1", diagnosis="missing", users=5, queries=["freeze stolen card", "block stolen card"])
HITS = [
    {"title": "Theft", "text": "Report a stolen card to the police, who give you a number.", "_rankingScore": 0.9},
    {
        "title": "Stolen card",
        "text": "To freeze a stolen card, open the app, choose Cards, then Freeze!",
        "_rankingScore": 0.8,
    },
]


@pytest.fixture
def index():
    """A Meilisearch that answers with the statuses that a test lists, and 200 afterwards."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status = serving.statuses.pop(0) if serving.statuses else 200
            serving.answered.append(status)
            body = json.dumps({"hits": serving.hits}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.statuses, serving.answered, serving.hits = [], [], HITS
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def tenant(settings, index):
    searched = {"url": f"http://127.0.0.1:{index.server_port}", "index": "docs", "per_minute": 60_000}
    config = KaizenConfig(
        **settings.to_legacy_dict() | {"search_sources": ["folder", "meilisearch"], "search": {"meilisearch": searched}}
    )
    tenant = Runtime(config).tenant("default")
    tenant.gaps.save(GAP, old=None)
    return tenant


def sources(tenant):
    return sorted(
        (entry.provenance.source, entry.title) for entry in tenant.entries.many(tenant.gaps.get("g1").entries)
    )


def test_what_all_sources_find_is_kept_and_what_two_say_alike_once(tenant):
    assert fill.fill(tenant, "g1") == "filled"
    assert sources(tenant) == [("folder", "Stolen card"), ("meilisearch", "Theft")]


def test_a_source_that_is_down_does_not_keep_the_others_from_filling(tenant, index):
    index.statuses = [500] * 9
    assert fill.fill(tenant, "g1") == "filled"
    assert {source for source, _ in sources(tenant)} == {"folder"}
    assert index.answered == [500], "it is not asked the other queries"


def test_what_a_source_found_before_it_failed_stays(tenant, index):
    index.statuses = [200, 500]
    assert fill.fill(tenant, "g1") == "filled"
    assert {source for source, _ in sources(tenant)} == {"folder", "meilisearch"}


def test_one_gap_asks_a_source_a_stated_number_of_times_and_keeps_a_stated_number_of_passages(tenant, index):
    queries = [f"freeze stolen card {number}" for number in range(100)]
    tenant.gaps.update("g1", lambda old: replace(old, queries=queries), counts=lambda *_: {}, rank=lambda _gap: 0.0)
    index.hits = [
        {"title": f"Card {way}", "text": f"Freeze a stolen card in way {way}.", "_rankingScore": 1} for way in range(50)
    ]
    assert fill.fill(tenant, "g1") == "filled"
    assert len(index.answered) == fill.QUERIES
    assert len(tenant.gaps.get("g1").entries) <= fill.PER_QUERY + 1


def test_a_flood_of_passages_is_cut():
    queries = [f"freeze stolen card {number}" for number in range(100)]
    chosen = fill.choose([[passage(query, rank) for rank in range(50)] for query in queries], queries)
    assert len(chosen) == fill.PASSAGES
    assert {found.text.rpartition(" ")[2] for found, _ in chosen} == {"0"}, "of many queries the best of each"


def passage(query, rank):
    return Passage(source="meilisearch", title=query, text=f"{query} {rank}", url="", score=1.0)


def test_a_query_that_is_refused_opens_no_breaker(tenant, index):
    index.statuses = [400] * 9
    for _ in range(4):
        tenant.gaps.update("g1", lambda _old: GAP, counts=lambda _old, _new: {}, rank=lambda _gap: 0.0)
        assert fill.fill(tenant, "g1") == "filled"
    assert not tenant.breaker("meilisearch").is_open


def test_a_turn_that_does_not_come_opens_no_breaker(tenant, index, redis, documents):
    for path in documents.iterdir():
        path.unlink()
    redis.set("kz:pace:meilisearch", "over", px=100_000)
    assert [fill.fill(tenant, "g1") for _ in range(4)] == ["failed"] * 4
    assert index.answered == []
    assert tenant.breaker("meilisearch").state().failures == 0


SAID = HITS[0]["text"]
OTHERWISE = SAID.replace("give", "never give")


def test_what_says_otherwise_than_an_active_entry_is_kept_and_both_are_marked(tenant):
    known = tenant.entries.put(from_document(Document(id="known", title="known", text=OTHERWISE), at=1), at=1)
    assert fill.fill(tenant, "g1") == "filled"
    disputes = {entry.title: entry.disputes for entry in tenant.entries.all()}
    new = next(entry.id for entry in tenant.entries.all() if entry.title == "Theft")
    assert disputes == {"known": [new], "Theft": ["known"], "Stolen card": []}
    assert [step.detail for step in tenant.entries.get(known.id).history if step.event == "disputed"] == [new]
    lifecycle.let_in(tenant, "g1", at=2)
    assert {entry.state for entry in tenant.entries.all()} == {"active"}, "both are kept"


def test_passages_of_one_search_that_say_otherwise_are_marked(tenant, index):
    index.hits = [HITS[0], {**HITS[0], "title": "No", "text": OTHERWISE}]
    assert fill.fill(tenant, "g1") == "filled"
    found = {entry.title: entry for entry in tenant.entries.all()}
    assert found["No"].disputes == [found["Theft"].id]
    assert found["Theft"].disputes == [found["No"].id]


@pytest.mark.parametrize(
    ("known", "titles"),
    [
        (SAID.replace("number", "figure"), ["Stolen card"]),  # said already, in all but the same words
        (SAID, ["Stolen card", "known"]),  # its very text: the entry that has it counts, as ever
        (SAID.replace("a number", "7 numbers"), ["Stolen card", "Theft"]),  # other figures: both are kept
        ("Cheese is made of milk.", ["Stolen card", "Theft"]),
    ],
)
def test_what_an_active_entry_says_in_all_but_the_same_words_is_not_kept_again(tenant, known, titles):
    tenant.entries.put(from_document(Document(id="known", title="known", text=known), at=1), at=1)
    assert fill.fill(tenant, "g1") == "filled"
    assert sorted(title for _, title in sources(tenant)) == titles


@pytest.mark.parametrize("text", ["<b></b>", "\u200b\u2063", "![](x)", "<!-- a -->", "<script>x()</script>"])
def test_a_passage_of_which_nothing_is_left_is_passed_over(tenant, index, text):
    index.hits = [{"title": "Freeze a stolen card", "text": text, "_rankingScore": 1}, HITS[0]]
    assert fill.fill(tenant, "g1") == "filled"
    assert sources(tenant) == [("folder", "Stolen card"), ("meilisearch", "Theft")]


@pytest.mark.parametrize(
    "url", ["http://a.example/%0Ab", "http://xn--a.example/", "http://a.example/?" + "\u00e9" * 20_000]
)
def test_an_address_in_disguise_does_not_end_the_search(tenant, index, url):
    index.hits = [{**HITS[0], "url": url}]
    assert fill.fill(tenant, "g1") == "filled"
    assert ("meilisearch", "Theft") in sources(tenant)


def test_an_entry_that_is_here_is_found_again_though_another_says_the_same(tenant):
    assert fill.fill(tenant, "g1") == "filled"
    lifecycle.let_in(tenant, "g1", at=2)
    tenant.entries.put(from_document(Document(id="copy", title="Theft", text=SAID + " Now."), at=3), at=3)
    first = tenant.gaps.get("g1").entries
    tenant.gaps.save(replace(GAP, id="g2"), old=None)
    tenant.retrieval.refresh()
    assert fill.fill(tenant, "g2") == "filled"
    assert tenant.gaps.get("g2").entries == first


def test_the_sources_of_ones_own_are_sources():
    assert {"folder", *_KINDS} > OWN
