"""Each source against its documented shapes, limits and errors, those under status 200 among them."""

import base64
import importlib.util
import logging
import sys
from pathlib import Path

import pytest

from kaizen_api.errors import Invalid, Unavailable
from kaizen_worker.search.openalex import abstract
from kaizen_worker.search.web import AGENT

_spec = importlib.util.spec_from_file_location("search_shapes", Path(__file__).with_name("shapes.py"))
shapes = sys.modules.setdefault("search_shapes", importlib.util.module_from_spec(_spec))
_spec.loader.exec_module(shapes)

QUESTION = "How do I freeze my stolen card?"
KEY = "sk-secret-0123456789"
REMOTE = ["mediawiki", "arxiv", *shapes.FOUND]


def found(name):
    """Answers as the server of that source does where it finds something."""

    def answer(asked):
        if asked.path == "/robots.txt":
            return 404, {"Content-Type": "text/html", "Content-Length": "0"}, b""
        if asked.path == "/a":
            page = b"<title>A page</title><p>To freeze a stolen card, call us.</p>"
            return 200, {"Content-Type": "text/html"}, page
        if name == "mediawiki":
            value = shapes.MEDIAWIKI_PAGES if "pageids" in asked.query else shapes.MEDIAWIKI_FOUND
        elif name == "arxiv":
            return 200, {"Content-Type": shapes.FEED}, shapes.atom(shapes.PAPER)
        else:
            value = shapes.FOUND[name]
        return 200, {"Content-Type": "application/json; charset=utf-8"}, shapes.body(value)

    return answer


EXPECTED = {
    "mediawiki": [
        ("Card", "A card can be frozen.", "https://wiki.example/Card", 0.0, "CC BY-SA 4.0"),
        ("Theft", 'a "stolen" card', "https://wiki.example/Theft", 0.0, "CC BY-SA 4.0"),
    ],
    "arxiv": [("Attention Is All", "The dominant models.", "http://arxiv.org/abs/1706.03762v7", 0.0, "CC0-1.0")],
    "openalex": [("Cards", "A card is a card", "https://doi.org/10.1/x", 9.5, "cc-by")],
    "semantic_scholar": [("Cards", "A card.", "https://s2.example/1", 0.0, None)],
    "meilisearch": [("Cards", "A card.", "https://a.example", 0.9, None)],
    "opensearch": [("Cards", "A card.", "", 3.5, None)],
    "searxng": [("A page", "To freeze a stolen card, call us.", "http://site.example/a", 2.5, None)],
    "brave": [("A page", "To freeze a stolen card, call us.", "http://site.example/a", 0.0, None)],
    "tavily": [("Cards", "A card.", "https://a.example", 0.8, None)],
}


@pytest.mark.parametrize("name", REMOTE)
def test_what_is_found_comes_as_passages(name, source, contract):
    contract.answer = found(name)
    passages = source(name, trust=0.3).search(QUESTION, limit=3)
    assert [(one.title, one.text, one.url, one.score, one.licence) for one in passages] == EXPECTED[name]
    assert {(one.source, one.trust) for one in passages} == {(name, 0.3)}
    assert {asked.headers["User-Agent"] for asked in contract.asked} == {AGENT}


@pytest.mark.parametrize("name", REMOTE)
@pytest.mark.parametrize(
    ("contact", "told"), [("ops@kaizen.example", "mailto:ops@kaizen.example"), ("https://kaizen.example/bot",) * 2]
)
def test_who_runs_this_is_told_to_sources_and_pages(name, contact, told, source, contract):
    contract.answer = found(name)
    source(name, contact=contact).search(QUESTION, limit=3)
    agents = {asked.headers["User-Agent"] for asked in contract.asked}
    assert agents == {f"Kaizen/0.1 (knowledge search for gaps; {told})"}


@pytest.mark.parametrize("name", shapes.NOTHING)
def test_nothing_found_is_no_error(name, source, contract):
    contract.always(200, shapes.NOTHING[name])
    assert source(name).search(QUESTION, limit=3) == []


WRITTEN = {
    "mediawiki": ("srsearch", "freeze stolen card"),
    "arxiv": ("search_query", "all:freeze OR all:stolen OR all:card"),
    "openalex": ("search", "freeze OR stolen OR card"),
    "semantic_scholar": ("query", "freeze stolen card"),
    "searxng": ("q", QUESTION),
    "brave": ("q", QUESTION),
    "meilisearch": ("q", "freeze stolen card"),
    "tavily": ("query", QUESTION),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_question_is_written_as_the_source_wants_it(name, source, contract):
    contract.answer = found(name)
    source(name).search(QUESTION, limit=3)
    parameter, text = WRITTEN[name]
    first = contract.asked[0]
    assert (first.json if first.body else first.query)[parameter] == text


HOSTILE = 'all:x AND (a) OR "b" -c intitle:d !e :f ANDNOT g* [h TO i] ~j \\ & | /k/ l\'m {n} <o> insource:/.*/'


@pytest.mark.parametrize("name", ["mediawiki", "arxiv", "openalex", "semantic_scholar", "meilisearch", "opensearch"])
def test_no_operator_of_a_question_reaches_the_source(name, source, contract):
    contract.answer = found(name)
    source(name).search(HOSTILE, limit=3)
    first = contract.asked[0]
    if name == "opensearch":
        sent = first.json["query"]["multi_match"]["query"]
    else:
        sent = (first.json if first.body else first.query)[WRITTEN[name][0]]
    assert not set('"()[]{}*~!-+\\&|/<>') & set(sent)
    assert "ANDNOT" not in sent
    assert sent.replace("all:", "").replace(" OR ", " ").islower()


@pytest.mark.parametrize("question", ["", "   ", "?!", "\u200b"])
@pytest.mark.parametrize("name", ["mediawiki", "arxiv", "openalex", "semantic_scholar", "meilisearch", "opensearch"])
def test_a_question_without_a_word_is_not_sent(name, question, source, contract):
    assert source(name).search(question, limit=3) == []
    assert contract.asked == []


KEYED = {
    "openalex": lambda asked: asked.query["api_key"],
    "semantic_scholar": lambda asked: asked.headers["x-api-key"],
    "meilisearch": lambda asked: asked.headers["Authorization"].removeprefix("Bearer "),
    "opensearch": lambda asked: base64.b64decode(asked.headers["Authorization"].removeprefix("Basic ")).decode(),
    "brave": lambda asked: asked.headers["X-Subscription-Token"],
    "tavily": lambda asked: asked.headers["Authorization"].removeprefix("Bearer "),
}


@pytest.mark.parametrize("name", KEYED)
def test_a_key_goes_to_the_source_and_nowhere_else(name, source, contract, caplog):
    caplog.set_level(logging.DEBUG)
    contract.answer = found(name)
    keyed = source(name)
    keyed.search(QUESTION, limit=3)
    assert KEYED[name](contract.asked[0]) == KEY
    assert not any(KEY in str(asked) for asked in contract.asked if asked.path in {"/a", "/robots.txt"})
    for status in (401, 403, 500, 302):
        contract.always(status, {"error": KEY}, Location=f"{contract.url}/other")
        with pytest.raises(Unavailable) as error:
            source(name, url=f"{contract.url}/{status}").search(QUESTION, limit=3)
        assert KEY not in f"{error.value!r}"
        keyed._service.pace._redis().flushall()
    assert not any(asked.path == "/other" for asked in contract.asked)
    assert KEY not in caplog.text
    assert KEY not in repr(keyed._service)


@pytest.mark.parametrize("name", REMOTE)
@pytest.mark.parametrize(("told", "least"), [("120", 120), ("0", 60), ("", 60)])
def test_a_limit_is_kept_by_everybody_for_as_long_as_it_says(name, told, least, source, contract):
    contract.always(429, Retry_After=told)
    with pytest.raises(Unavailable) as busy:
        source(name).search(QUESTION, limit=3)
    assert busy.value.retry_after >= least if name != "openalex" or told == "120" else busy.value.retry_after > 0
    asked = len(contract.asked)
    if busy.value.retry_after > 31:
        with pytest.raises(Unavailable, match="not to be called"):
            source(name).search(QUESTION, limit=3)
        assert len(contract.asked) == asked


@pytest.mark.parametrize("name", REMOTE)
@pytest.mark.parametrize("content", [b"", b"<html>", b"null", b"[]", b'{"results": 1}', b"\xff\xfe", b"[" * 100_000])
def test_an_answer_in_another_shape_is_a_failure(name, content, source, contract):
    contract.always(200, content, kind=shapes.FEED if name == "arxiv" else "application/json")
    if content == b'{"results": 1}' and name in {"mediawiki", "semantic_scholar", "brave"}:
        pytest.skip("what it does not know it passes over")
    with pytest.raises(Unavailable):
        source(name).search(QUESTION, limit=3)


@pytest.mark.parametrize("name", REMOTE)
def test_a_query_that_is_refused_is_the_queries_fault(name, source, contract):
    contract.always(400, {"error": "bad"})
    with pytest.raises(Invalid):
        source(name).search(QUESTION, limit=3)


UNDER_200 = {
    "mediawiki": {"error": {"code": "maxlag", "info": "Waiting for a database server: 6 seconds lagged."}},
    "searxng": {"results": [], "unresponsive_engines": [["google", "Suspended: too many requests"]]},
    "opensearch": {"timed_out": True, "_shards": {"failed": 0}, "hits": {"hits": []}},
}


@pytest.mark.parametrize("name", UNDER_200)
def test_an_error_under_status_200_is_a_failure(name, source, contract):
    contract.always(200, UNDER_200[name], Retry_After="7")
    with pytest.raises(Unavailable) as error:
        source(name).search(QUESTION, limit=3)
    if name == "mediawiki":
        assert error.value.retry_after == 7


def test_shards_that_failed_are_a_failure(source, contract):
    contract.always(200, {"_shards": {"failed": 1}, "hits": {"hits": []}})
    with pytest.raises(Unavailable, match="1 shards"):
        source("opensearch").search(QUESTION, limit=3)


def test_searxng_without_json_says_what_to_do(source, contract):
    contract.always(403, b"Forbidden", kind="text/html")
    with pytest.raises(Unavailable, match=r"search\.formats"):
        source("searxng").search(QUESTION, limit=3)


@pytest.mark.parametrize(("status", "least"), [(432, 3600), (433, 3600)])
def test_a_quota_of_tavily_is_waited_for_long(status, least, source, contract):
    contract.always(status, {"detail": {"error": "limit"}})
    with pytest.raises(Unavailable) as error:
        source("tavily").search(QUESTION, limit=3)
    assert error.value.retry_after == least


@pytest.mark.parametrize(("reset", "pause"), [("1, 1419704", 1), ("3", 3), ("x, 5", 60), ("", 60)])
def test_the_month_of_brave_is_never_waited_for(reset, pause, source, contract):
    contract.always(429, {"type": "ErrorResponse"}, X_RateLimit_Reset=reset)
    with pytest.raises(Unavailable) as error:
        source("brave").search(QUESTION, limit=3)
    assert error.value.retry_after == pause


def test_the_limit_of_openalex_is_the_days(source, contract):
    contract.always(429, {"error": "limit"})
    with pytest.raises(Unavailable) as error:
        source("openalex").search(QUESTION, limit=3)
    assert 0 < error.value.retry_after <= 86_400


def test_an_inverted_index_is_put_in_order_however_far_its_places_lie():
    assert abstract({"b": [10**18], "a": [0, 2], "c": [1]}) == "a c a b"


def test_mediawiki_asks_for_any_of_the_words_where_nothing_has_them_all(source, contract):
    contract.always(200, shapes.NOTHING["mediawiki"])
    source("mediawiki").search(QUESTION, limit=3)
    assert [asked.query["srsearch"] for asked in contract.asked] == [
        "freeze stolen card",
        "freeze OR stolen OR card",
    ]
    assert {asked.query["maxlag"] for asked in contract.asked} == {"5"}


def test_an_empty_page_of_arxiv_is_asked_for_once_more(source, contract):
    pages = [shapes.atom(), shapes.atom(shapes.PAPER)]
    contract.answer = lambda _asked: (200, {"Content-Type": shapes.FEED}, pages.pop(0))
    assert len(source("arxiv").search(QUESTION, limit=3)) == 1
    contract.answer = lambda _asked: (200, {"Content-Type": shapes.FEED}, shapes.atom())
    assert source("arxiv").search(QUESTION, limit=3) == []
    assert len(contract.asked) == 4
    contract.answer = lambda _asked: (200, {"Content-Type": shapes.FEED}, shapes.atom(total=12))
    with pytest.raises(Unavailable, match="12 papers"):
        source("arxiv").search(QUESTION, limit=3)


def test_an_error_of_arxiv_comes_as_an_entry(source, contract):
    error = shapes.atom(("http://arxiv.org/api/errors#incorrect_id", "Error", "incorrect id format"))
    contract.always(200, error, kind=shapes.FEED)
    with pytest.raises(Invalid):
        source("arxiv").search(QUESTION, limit=3)


LAUGHS = b'<!DOCTYPE f [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><feed>&b;</feed>'


@pytest.mark.parametrize(
    "xml",
    [LAUGHS, b'<!DOCTYPE f SYSTEM "http://127.0.0.1/x"><feed/>', LAUGHS.decode().encode("utf-16"), b"<a>" * 100_000],
)
def test_entities_are_not_read(xml, source, contract):
    contract.always(200, xml, kind=shapes.FEED)
    with pytest.raises(Unavailable, match="no plain XML"):
        source("arxiv").search(QUESTION, limit=3)
