"""Pages that a search of the web points at: read only where that is allowed, and never from inside."""

import pytest

from kaizen_worker.search.pace import Pace
from kaizen_worker.search.pages import Pages
from kaizen_worker.types import Passage

PAGE = b"<title>Cards</title><p>Nothing here.</p><h2>Stolen</h2><p>" + b"Freeze a stolen card in the app. " * 30


@pytest.fixture
def pages(redis, door):
    return Pages(door(most=1_000_000), lambda host: Pace(lambda: redis, f"web/{host}", every=0.001))


def fill(pages, url="http://site.example/cards"):
    [filled] = pages.fill([Passage("brave", "T", "the snippet", url, 0.0)], "freeze stolen card")
    return filled.text


def site(robots, *, status=200, kind="text/plain", page=PAGE, page_kind="text/html"):
    def answer(asked):
        if asked.path == "/robots.txt":
            return status, {"Content-Type": kind, "Location": "http://127.0.0.1/"}, robots
        return 200, {"Content-Type": page_kind}, page

    return answer


ALLOWED = {
    "no rules": site(b"", status=404),
    "an empty file": site(b""),
    "others are meant": site(b"User-agent: evilbot\nDisallow: /\n"),
    "another part": site(b"User-agent: *\nDisallow: /private/\n"),
    "a page in its place": site(b"<html>Disallow: /", kind="text/html"),
}
FORBIDDEN = {
    "everybody": site(b"User-agent: *\nDisallow: /\n"),
    "we are": site(b"User-agent: Kaizen\nDisallow: /cards\n\nUser-agent: *\nAllow: /\n"),
    "rules that cannot be had": site(b"", status=503),
    "rules that lead inside": site(b"", status=302),
    "rules without end": site(b"#" * 2_000_000),
}


@pytest.mark.parametrize("answer", ALLOWED.values(), ids=ALLOWED)
def test_a_page_that_may_be_read_gives_its_best_part(answer, pages, contract):
    contract.answer = answer
    assert "Freeze a stolen card" in fill(pages)
    fill(pages, "http://site.example/other")
    assert [asked.path for asked in contract.asked] == ["/robots.txt", "/cards", "/other"]


@pytest.mark.parametrize("answer", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_page_that_may_not_be_read_is_not(answer, pages, contract):
    contract.answer = answer
    assert fill(pages) == "the snippet"
    assert "/cards" not in [asked.path for asked in contract.asked]


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "http://10.0.0.1/", "file:///etc/passwd", "", "http://[", "x"])
def test_an_address_inside_leaves_the_snippet(url, pages, contract):
    contract.answer = site(b"")
    assert fill(pages, url) == "the snippet"
    assert contract.asked == []


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (b"\x89PNG", "image/png"),
        (b"PK\x03\x04", "application/zip"),
        (b"\0\0\0", "text/plain"),
        (b"%PDF-1.4 broken", "application/pdf"),
        (b"<p>about zebras", "text/html"),
        (b"<p>freeze stolen card" + b" " * 2_000_000, "text/html"),
        (b"", "text/html"),
    ],
)
def test_what_is_no_page_about_the_query_leaves_the_snippet(page, kind, pages, contract):
    contract.answer = site(b"", page=page, page_kind=kind)
    assert fill(pages) == "the snippet"


def test_what_has_neither_page_nor_snippet_is_left_out(pages, contract):
    contract.answer = site(b"", status=503)
    assert pages.fill([Passage("brave", "T", " ", "http://site.example/cards", 0.0)], "card") == []
