"""What several sources found, as one ranking, each thing once.

Scores of two sources cannot be compared: one tells a share, another a sum without a bound, a third nothing. Ranks can:
a passage counts its source's trust divided by its rank there, so that the first of a source that is half as trusted
stands beside the second of the other. Equals stay in the order in which the sources are configured.
"""

import hashlib
from collections.abc import Sequence

import httpx

from kaizen_worker.types import Passage

Ranking = list[tuple[Passage, str]]
"""Passages with the query that found each, the best first."""

_TRACKERS = ("utm_", "fbclid", "gclid", "mc_cid", "mc_eid", "ref_src")


def merge(rankings: Sequence[Ranking], *, most: int) -> Ranking:
    """One ranking of all; of several sources, none fills more than two thirds of it while others have more.

    Args:
        rankings: One a source, in the order of the configuration.
        most: Passages at most.
    """
    weighed = [
        (one[0].trust / (rank + 1), source, one)
        for source, ranking in enumerate(rankings)
        for rank, one in enumerate(ranking)
    ]
    weighed.sort(key=lambda entry: -entry[0])  # stable
    share = most if sum(map(bool, rankings)) <= 1 else most * 2 // 3
    kept: Ranking = []
    over: Ranking = []
    seen: set[str] = set()
    taken = [0] * len(rankings)
    for _, source, one in weighed:
        marks = _marks(one[0])
        if seen.isdisjoint(marks):
            (kept if taken[source] < share else over).append(one)
            taken[source] += 1
        seen |= marks
    return [*kept, *over][:most]


def canonical(url: str) -> str:
    """The address as all who mean the same page write it; as it is where it is none of the web.

    >>> canonical("HTTP://www.Example.org:80/a/?utm_source=x&b=2&a=1#top")
    'https://www.example.org/a?a=1&b=2'
    """
    try:
        return _canonical(httpx.URL(url)) or url
    except (httpx.InvalidURL, ValueError):  # the second: of names and ports that are none
        return url


def _canonical(place: httpx.URL) -> str:
    """Empty where it is none of the web."""
    if place.scheme not in {"http", "https"} or not place.host:
        return ""
    port, path = place.port, place.path.rstrip("/") or "/"
    query = sorted((name, value) for name, value in place.params.multi_items() if not name.startswith(_TRACKERS))
    bare = httpx.URL(scheme="https", host=place.host, port=None if port in {80, 443} else port, path=path)
    return str(bare.copy_with(params=query) if query else bare)


def _marks(passage: Passage) -> set[str]:
    """What tells that two passages are the same: the text by itself, or place and beginning of a text together."""
    text = " ".join(passage.text.split()).casefold()
    marks = {hashlib.sha256(text.encode()).hexdigest()}
    if passage.url.startswith(("http://", "https://")):
        marks.add(canonical(passage.url))
    return marks
