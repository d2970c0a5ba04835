"""What each search API answers, in its documented shape."""

import json

FEED = "application/atom+xml"

MEDIAWIKI_FOUND = {
    "batchcomplete": True,
    "query": {
        "rightsinfo": {"url": "https://creativecommons.org/licenses/by-sa/4.0/", "text": "CC BY-SA 4.0"},
        "searchinfo": {"totalhits": 2},
        "search": [
            {"ns": 0, "title": "Card", "pageid": 7, "snippet": '<span class="searchmatch">freeze</span> a card'},
            {"ns": 0, "title": "Theft", "pageid": 9, "snippet": "a &quot;stolen&quot; card"},
        ],
    },
}
MEDIAWIKI_PAGES = {
    "query": {
        "pages": [
            {"pageid": 9, "title": "Theft", "fullurl": "https://wiki.example/Theft"},
            {"pageid": 7, "title": "Card", "fullurl": "https://wiki.example/Card", "extract": "A card can be frozen."},
        ]
    }
}


def atom(*entries, total=None):
    head = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
        f"<opensearch:totalResults>{len(entries) if total is None else total}</opensearch:totalResults>"
    )
    body = "".join(
        f"<entry><id>{url}</id><title>{title}</title><summary>{text}</summary></entry>" for url, title, text in entries
    )
    return f"{head}{body}</feed>".encode()


PAPER = ("http://arxiv.org/abs/1706.03762v7", "Attention\n  Is All", "The dominant\n models.")

FOUND = {
    "searxng": {
        "query": "q",
        "results": [{"url": "http://site.example/a", "title": "A", "content": "snippet", "engine": "e", "score": 2.5}],
        "unresponsive_engines": [["brave", "timeout"]],
    },
    "openalex": {
        "meta": {"count": 2},
        "results": [
            {
                "id": "https://openalex.org/W1",
                "doi": "https://doi.org/10.1/x",
                "display_name": "Cards",
                "abstract_inverted_index": {"card": [1, 4], "A": [0], "is": [2], "a": [3]},
                "primary_location": {"license": "cc-by"},
                "relevance_score": 9.5,
            },
            {"id": "https://openalex.org/W2", "abstract_inverted_index": None, "primary_location": None},
        ],
    },
    "semantic_scholar": {
        "total": 2,
        "data": [
            {"paperId": "1", "title": "Cards", "abstract": "A card.", "url": "https://s2.example/1"},
            {"paperId": "2", "title": "None", "abstract": None, "url": None},
        ],
    },
    "meilisearch": {
        "hits": [{"title": "Cards", "text": "A card.", "url": "https://a.example", "_rankingScore": 0.9}],
        "query": "card",
        "processingTimeMs": 1,
    },
    "opensearch": {
        "took": 1,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "failed": 0},
        "hits": {"hits": [{"_id": "1", "_score": 3.5, "_source": {"title": "Cards", "text": "A card."}}]},
    },
    "brave": {
        "type": "search",
        "web": {
            "results": [{"url": "http://site.example/a", "title": "A", "description": "one", "extra_snippets": ["two"]}]
        },
    },
    "tavily": {
        "query": "q",
        "results": [{"url": "https://a.example", "title": "Cards", "content": "A card.", "score": 0.8}],
    },
}
"""A found answer of each source whose search is one request for JSON."""

NOTHING = {
    "searxng": {"results": [], "unresponsive_engines": []},
    "openalex": {"results": []},
    "semantic_scholar": {"total": 0, "offset": 0},
    "meilisearch": {"hits": []},
    "opensearch": {"timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": []}},
    "brave": {"type": "search"},
    "tavily": {"results": []},
    "mediawiki": {"batchcomplete": True, "query": {"search": []}},
}


def body(value):
    return json.dumps(value).encode()
