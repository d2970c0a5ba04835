"""Which embedder the settings name."""

from collections.abc import Callable
from functools import cache

from redis import Redis

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Invalid
from kaizen_worker.breaker import CircuitBreaker
from kaizen_worker.breaker.referee import Observer
from kaizen_worker.embedding.embedder import Embedder
from kaizen_worker.embedding.endpoint import Endpoint, Served
from kaizen_worker.embedding.minilm import MiniLM
from kaizen_worker.embedding.model2vec import Model2Vec
from kaizen_worker.embedding.multilingual import Multilingual
from kaizen_worker.embedding.sentence_transformers import SentenceTransformers
from kaizen_worker.embedding.static import Static

BUILT_IN: dict[str, Callable[[], Embedder]] = {"minilm": MiniLM, "multilingual": Multilingual, "static": Static}
"""Embedders of one model each."""

SAVED: dict[str, Callable[[str], Embedder]] = {
    "model2vec": Model2Vec,
    "sentence-transformers": SentenceTransformers,
}
"""Libraries that run whatever model was saved to a folder."""

BREAKER = "embedder"
"""Name of the endpoint's breaker: one endpoint serves all tenants."""

_FAILURES = 5  # in a row that open it
_RECOVERY, _LONGEST = 15.0, 300.0  # seconds: what comes in waits meanwhile


@cache
def load(name: str, model: str = "") -> Embedder:
    """Give the embedder of that name, one a process and model, for it holds megabytes; read at the first text.

    Args:
        name: A key of `BUILT_IN` or `SAVED`.
        model: Folder of a saved model, for those.

    Raises:
        Invalid: There is none of that name.
        Unavailable: Its extra is not installed, or the folder holds no model.
    """
    if name in SAVED:
        return SAVED[name](model)
    if name not in BUILT_IN:
        raise Invalid(f"there is no embedder {name!r}; choose one of {', '.join(sorted([*BUILT_IN, *SAVED]))}")
    return BUILT_IN[name]()


def build(config: KaizenConfig, *, redis: Callable[[], Redis], observe: Observer | None = None) -> Embedder:
    """Give the embedder that the settings name.

    Args:
        config: The settings.
        redis: Gives the server where processes share the endpoint's breaker; others need none.
        observe: Told of its changes.

    Raises:
        Unavailable: Its extra is not installed, or the folder holds no model.
    """
    if config.embedder == "fast":  # what it foresees; entries and questions at answer time are few
        return load("minilm")
    if config.embedder != "openai":
        return load(config.embedder, config.embedder_model or "")
    breaker = CircuitBreaker(
        _FAILURES, _RECOVERY, name=BREAKER, redis=redis(), observe=observe, longest_recovery=_LONGEST
    )
    served = Served(
        url=config.embedder_url or "",
        model=config.embedder_model or "",
        key=config.embedder_key,
        dimensions=config.embedder_dimensions,
    )
    return Endpoint(served, breaker=breaker)
