"""Runtime: what a process needs to work, built once and handed down; Tenant: the same with one tenant's things."""

import logging
from collections.abc import Callable
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from redis import Redis

from kaizen_api import keys, spans
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, count_keys
from kaizen_api.errors import Invalid, Paced
from kaizen_api.intake import Intake
from kaizen_api.lives import Life
from kaizen_api.metrics import field
from kaizen_api.producer.batch import user_key
from kaizen_api.schema import Cycle, Decision, Effect, Gap, Insight
from kaizen_worker.breaker import CircuitBreaker
from kaizen_worker.breaker.ledger import Ledger
from kaizen_worker.embedding import Embedder, build, load
from kaizen_worker.embedding.choice import BREAKER
from kaizen_worker.engine import backends
from kaizen_worker.knowledge.entries import Entries
from kaizen_worker.knowledge.finder import Finder, Hybrid, Words
from kaizen_worker.knowledge.retrieval import Retrieval
from kaizen_worker.pipeline.backend import Backend
from kaizen_worker.store.detection import Detection
from kaizen_worker.store.objects import Objects
from kaizen_worker.store.vectors import VectorStore
from kaizen_worker.types import Vectors

if TYPE_CHECKING:
    from kaizen_worker.search import Source
    from kaizen_worker.store.companion import CompanionStore
    from kaizen_worker.store.copies import Copies

LOG = logging.getLogger("kaizen")

_TIMEOUT = 10.0  # seconds a worker may wait for Redis; longer than a producer may

# what starts a device: once a process is enough for every runtime in it
_choose = cache(backends.choose)


class Runtime:
    """The parts of one process. Nothing connects or loads before it is used.

    Args:
        config: Its settings.
        redis: Client with undecoded replies; default: a new one.
    """

    def __init__(self, config: KaizenConfig, redis: Redis | None = None) -> None:
        self.config = config
        self._redis = redis
        self._tenants: dict[str, Tenant] = {}

    @cached_property
    def redis(self) -> Redis:
        """The server."""
        return self._redis or connect(self.config, timeout=_TIMEOUT)

    @cached_property
    def embedder(self) -> Embedder:
        """What turns texts into vectors."""
        return build(self.config, redis=lambda: self.redis, observe=partial(self.count_breaker, BREAKER))

    @property
    def backend(self) -> Backend:
        """Where clustering and assignment run."""
        return _choose(self.config.cluster_backend).backend

    @cached_property
    def intake(self) -> Intake:
        """What names conversations as their log does."""
        return Intake(user_key(self.redis, self.config))

    @cached_property
    def sources(self) -> "list[Source]":
        """Where missing knowledge is searched, in order."""
        from kaizen_worker import search  # noqa: PLC0415  # readers of documents, which only a search needs

        return search.build(self.config, redis=lambda: self.redis)

    @cached_property
    def _ledger(self) -> Ledger:
        return Ledger(lambda: self.redis)

    def count_breaker(self, breaker: str, event: str, count: int, *, tenant: str | None = None) -> None:
        """Count what a breaker did, for its tenant too if it has one.

        Each change of state is told once over all processes, so it is counted once. Orders of people are not counted.
        """
        kind, _, state = event.partition("_")
        if kind == "forced":
            return
        if kind == "to":
            spans.event("breaker", breaker=breaker, state=state)
        if event == "store_error":
            self._ledger.store_failed()
        series = (
            field("kaizen_breaker_transitions_total", breaker=breaker, state=state)
            if kind == "to"
            else field("kaizen_breaker_events_total", breaker=breaker, event=event)
        )
        hashes = count_keys(self.redis, tenant) if tenant else (keys.ROLLUP,)
        self._ledger.add([(key, series) for key in hashes], count, at_once=kind == "to")

    def tenant(self, name: str) -> "Tenant":
        """One tenant; kept, because it holds an index."""
        if name not in self._tenants:
            self._tenants[name] = Tenant(self, name)
        return self._tenants[name]


class Tenant:
    """One tenant's things, as one process sees them.

    Args:
        runtime: The parts of the process.
        name: The tenant's.
    """

    def __init__(self, runtime: Runtime, name: str) -> None:
        self.runtime = runtime
        self.name = name
        self.config = runtime.config
        self._fast: tuple[str, Embedder] | None = None

    @property
    def redis(self) -> Redis:
        """The server."""
        return self.runtime.redis

    @property
    def embedder(self) -> Embedder:
        """What turns what was asked into vectors; entries and look-ups stay with the runtime's."""
        name = self.companion.name() if self.config.embedder == "fast" else None
        if name is None:
            return self.runtime.embedder
        if (self._fast is None or self._fast[0] != name) and (fit := self.companion.fit()) is not None:
            from kaizen_worker.embedding.fast import Fast  # noqa: PLC0415  # scipy, which others do not need

            self._fast = name, Fast(fit, load("static"))
        return self._fast[1] if self._fast is not None else self.runtime.embedder

    @cached_property
    def companion(self) -> "CompanionStore":
        """The fit of its fast embedder."""
        from kaizen_worker.store.companion import CompanionStore  # noqa: PLC0415  # likewise

        return CompanionStore(self.redis, tenant=self.name)

    @property
    def backend(self) -> Backend:
        """Where clustering and assignment run."""
        return self.runtime.backend

    def vectors_by(self, embedder: Embedder) -> VectorStore:
        """That one's vectors of the texts that were seen."""
        return VectorStore(
            self.redis,
            tenant=self.name,
            model=embedder.name,
            dimension=embedder.dimension,
            retention_days=self.config.metrics_retention_days,
        )

    @cached_property
    def detection(self) -> Detection:
        """Where the detector of live patterns stands."""
        return Detection(self.redis, tenant=self.name)

    @cached_property
    def insights(self) -> Objects[Insight]:
        """What was found."""
        return Objects(self.redis, tenant=self.name, kind="insight", type_=Insight)

    @cached_property
    def gaps(self) -> Objects[Gap]:
        """What cannot be served."""
        return Objects(self.redis, tenant=self.name, kind="gap", type_=Gap)

    @cached_property
    def effects(self) -> Objects[Effect]:
        """What applied insights did."""
        return Objects(self.redis, tenant=self.name, kind="effect", type_=Effect)

    @cached_property
    def cycles(self) -> Objects[Cycle]:
        """Analyses."""
        return Objects(self.redis, tenant=self.name, kind="cycle", type_=Cycle)

    @cached_property
    def decisions(self) -> Objects[Decision]:
        """What people decided about topics."""
        return Objects(self.redis, tenant=self.name, kind="decision", type_=Decision)

    @cached_property
    def lives(self) -> Objects[Life]:
        """What became of each topic."""
        return Objects(self.redis, tenant=self.name, kind="life", type_=Life)

    @cached_property
    def entries(self) -> Entries:
        """The knowledge base."""
        return Entries(self.redis, self.name)

    @cached_property
    def retrieval(self) -> Retrieval:
        """The look-up in the knowledge base."""
        return Retrieval(self.redis, self.name, embedder=self.runtime.embedder)

    def count(self, series: str) -> None:
        """Count what happened once, for it and for all tenants together."""
        pipe = self.redis.pipeline()
        for key in count_keys(self.redis, self.name):
            pipe.hincrby(key, series, 1)
        pipe.execute()

    @cached_property
    def retrieval_by_words(self) -> Retrieval:
        """The same by words alone: it asks the embedder nothing, not even how long its vectors are."""
        return Retrieval(self.redis, self.name, embedder=load("static"))

    def finder(self, meaning: Callable[[str], Vectors | None]) -> Finder:
        """What finds entries as the settings say.

        Args:
            meaning: A question's vector (d,) by the runtime's embedder; None while that does not answer.
        """
        words = Words(lambda: self.retrieval_by_words)
        if self.config.knowledge_search == "words":
            return words
        return Hybrid(lambda: self.retrieval, meaning=meaning, otherwise=words)

    @property
    def archives(self) -> Path:
        """The folder of its archives."""
        return self.config.knowledge_base_path / self.name

    @cached_property
    def copies(self) -> "Copies | None":
        """Where they are copied to; None where that is nowhere.

        Raises:
            Invalid: nothing that is installed reaches such a place.
        """
        if self.config.archives_url is None:
            return None
        from kaizen_worker.store.copies import Copies  # noqa: PLC0415  # fsspec, which only a rotation needs

        return Copies(self.config.archives_url, self.name)

    def breaker(self, source: str) -> CircuitBreaker:
        """The breaker that all workers share for one source."""
        name = f"{self.name}/{source}"
        return CircuitBreaker(
            failure_threshold=self.config.gap_fill_max_retries,
            recovery_timeout=self.config.gap_fill_backoff_seconds,
            name=name,
            redis=self.redis,
            ignore=(Invalid, Paced),
            observe=lambda event, count: self.runtime.count_breaker(name, event, count, tenant=self.name),
        )
