"""The sources that the settings name, each with its address, its turns and its trust."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import httpx
from redis import Redis

from kaizen_api.config import KaizenConfig
from kaizen_api.config.search import SourceSettings
from kaizen_api.connection import connect
from kaizen_worker.search import brave, openalex, tavily
from kaizen_worker.search.arxiv import Arxiv
from kaizen_worker.search.brave import Brave
from kaizen_worker.search.folder import Folder
from kaizen_worker.search.kiwix import Kiwix
from kaizen_worker.search.mcp import Mcp
from kaizen_worker.search.mediawiki import MediaWiki
from kaizen_worker.search.meilisearch import Meilisearch
from kaizen_worker.search.openalex import OpenAlex
from kaizen_worker.search.opensearch import OpenSearch
from kaizen_worker.search.pace import Pace
from kaizen_worker.search.pages import Pages
from kaizen_worker.search.searxng import SearXNG
from kaizen_worker.search.semantic_scholar import SemanticScholar
from kaizen_worker.search.service import Service, retry_after
from kaizen_worker.search.source import Source
from kaizen_worker.search.tavily import Tavily
from kaizen_worker.search.web import Answer, Door, agent

_PAGE_SECONDS = 8.0
_OWN = 0.01  # seconds between two requests to a server of the operator's own


@dataclass(frozen=True, slots=True)
class _Parts:
    """What sources are made of."""

    service: Service
    pages: Pages
    trust: float
    key: str
    index: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a source is, as long as the settings do not say otherwise."""

    make: Callable[[_Parts], Source]
    trust: float
    every: float  # seconds between two requests
    url: str = ""
    alone: bool = False  # one request at a time
    headers: Callable[[str], dict[str, str]] = lambda _key: {}
    pauses: Mapping[int, float] = field(default_factory=dict)
    told: Callable[[Answer], float] = retry_after
    refusal: str = ""


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _basic(login: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}


_KINDS = {
    "mediawiki": _Kind(
        lambda parts: MediaWiki(parts.service, trust=parts.trust),
        trust=0.7,
        every=0.1,
        url="https://en.wikipedia.org/w/api.php",
        alone=True,
    ),
    "searxng": _Kind(
        lambda parts: SearXNG(parts.service, parts.pages, trust=parts.trust),
        trust=0.4,
        every=1.0,
        refusal="have json among its search.formats, and its limiter let us in",
    ),
    "kiwix": _Kind(
        lambda parts: Kiwix(parts.service, book=parts.index or None, trust=parts.trust), trust=0.7, every=_OWN
    ),
    "arxiv": _Kind(
        lambda parts: Arxiv(parts.service, trust=parts.trust),
        trust=0.8,
        every=3.0,
        url="https://export.arxiv.org/api/query",
        alone=True,
    ),
    "openalex": _Kind(
        lambda parts: OpenAlex(parts.service, key=parts.key, trust=parts.trust),
        trust=0.8,
        every=0.1,
        url="https://api.openalex.org",
        told=openalex.told,
    ),
    "semantic_scholar": _Kind(
        lambda parts: SemanticScholar(parts.service, trust=parts.trust),
        trust=0.8,
        every=1.0,
        url="https://api.semanticscholar.org",
        headers=lambda key: {"x-api-key": key} if key else {},
    ),
    "meilisearch": _Kind(
        lambda parts: Meilisearch(parts.service, index=parts.index, trust=parts.trust),
        trust=0.8,
        every=_OWN,
        headers=_bearer,
    ),
    "opensearch": _Kind(
        lambda parts: OpenSearch(parts.service, index=parts.index, trust=parts.trust),
        trust=0.8,
        every=_OWN,
        headers=_basic,
    ),
    "mcp": _Kind(
        lambda parts: Mcp(parts.service, tool=parts.index, trust=parts.trust),
        trust=0.5,
        every=0.1,
        headers=_bearer,
    ),
    "brave": _Kind(
        lambda parts: Brave(parts.service, parts.pages, trust=parts.trust),
        trust=0.4,
        every=1.0,
        url="https://api.search.brave.com",
        headers=lambda key: {"X-Subscription-Token": key},
        told=brave.told,
    ),
    "tavily": _Kind(
        lambda parts: Tavily(parts.service, trust=parts.trust),
        trust=0.4,
        every=0.6,
        url="https://api.tavily.com",
        headers=_bearer,
        pauses=tavily.PAUSES,
    ),
}


def build(config: KaizenConfig, *, redis: Callable[[], Redis] | None = None, door: Door | None = None) -> list[Source]:
    """The configured sources, in their order; `folder` only where `documents_path` names one.

    Args:
        config: Names, addresses, keys.
        redis: Where the workers share their turns; None: as the settings say. Asked for at the first search.
        door: The bounds of an exchange.
    """
    shared, out = redis or partial(connect, config), replace(door or Door(), agent=agent(config.search_contact))
    found: list[Source] = []
    for name in dict.fromkeys(config.search_sources):
        if name != Folder.name:
            found.append(_remote(name, config.search.get(name, SourceSettings()), shared, out))
        elif config.documents_path:
            found.append(Folder(config.documents_path))
    return found


def _remote(name: str, given: SourceSettings, redis: Callable[[], Redis], door: Door) -> Source:
    kind, key = _KINDS[name], given.key.get_secret_value() if given.key else ""
    every = kind.every if given.per_minute is None else 60.0 / given.per_minute
    service = Service(
        name=name,
        base=httpx.URL(given.url or kind.url),
        own=given.url is not None,
        pace=Pace(redis, name, every=every, alone=kind.alone),
        door=door,
        headers=kind.headers(key),
        pauses=kind.pauses,
        told=kind.told,
        refusal=kind.refusal,
    )
    pages = Pages(
        replace(door, seconds=min(door.seconds, _PAGE_SECONDS)), lambda host: Pace(redis, f"web/{host}", every=1.0)
    )
    trust = kind.trust if given.trust is None else given.trust
    return kind.make(_Parts(service, pages, trust, key, given.index or ""))
