import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_worker.search.merging import canonical, merge
from kaizen_worker.types import Passage


def ranked(source, trust, *texts, url="file://a.md"):
    return [(Passage(source, "T", text, url, 0.0, trust), "q") for text in texts]


def texts(ranking):
    return [passage.text for passage, _ in ranking]


def test_trust_and_rank_decide_and_then_the_order_of_the_sources():
    folder, wiki = ranked("folder", 0.8, "a", "b", "c"), ranked("wiki", 0.4, "x", "y")
    assert texts(merge([folder, wiki], most=9)) == ["a", "b", "x", "c", "y"]
    assert texts(merge([wiki, folder], most=9)) == ["a", "x", "b", "c", "y"]


def test_the_ranking_of_one_source_is_as_it_was():
    alone = ranked("folder", 0.8, *"abcdefghij")
    assert merge([alone], most=10) == alone
    assert merge([[], alone, []], most=4) == alone[:4]
    assert merge([], most=4) == []


def test_one_source_does_not_crowd_out_the_others():
    loud, quiet = ranked("web", 1.0, *(f"w{n}" for n in range(20))), ranked("wiki", 0.01, "x", "y", "z")
    assert texts(merge([loud, quiet], most=9)) == [*(f"w{n}" for n in range(6)), "x", "y", "z"]
    assert texts(merge([loud, quiet[:1]], most=9)) == [*(f"w{n}" for n in range(6)), "x", "w6", "w7"]


def test_the_same_text_or_page_is_taken_once_from_whom_it_is_best():
    one = ranked("wiki", 0.7, "A card.", url="https://www.site.example/card/")
    same_page = ranked("brave", 0.4, "Another part.", url="http://WWW.site.example:80/card?utm_source=x#part")
    same_text = ranked("folder", 0.5, "a  CARD.")
    assert texts(merge([same_page, same_text, one], most=9)) == ["A card."]


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("HTTP://Site.Example:80/a/?b=2&a=1#x", "https://site.example/a?a=1&b=2"),
        ("https://site.example", "https://site.example/"),
        ("https://site.example/?gclid=1", "https://site.example/"),
        ("https://site.example:8443/A", "https://site.example:8443/A"),
        ("file://a.md", "file://a.md"),
        ("", ""),
    ],
)
def test_addresses_of_one_page_are_one(url, same):
    assert canonical(url) == canonical(same) == same


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_left_as_it_is(text):
    assert canonical(canonical(f"https://{text}")) == canonical(f"https://{text}")


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/%0Ab",
        "http://a.example/%00",
        "http://xn--a.example/",
        "http://xn--zz--.example/",
        "http://a.example/?q=" + "\u00e9" * 20_000,
        "http://a.example/\ud800",
        "http://a.example:x/",
        "http://[::1",
    ],
    ids=range(8),
)
def test_an_address_that_cannot_be_written_otherwise_stays_as_it_is(url):
    assert canonical(url) == url
    assert merge([ranked("wiki", 0.4, "x", url=url)], most=9)
