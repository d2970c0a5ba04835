"""What `kaizen doctor` sees of the engine: beat's schedule, embedder, backend, naming, search sources."""

import time

from redis.exceptions import RedisError

from kaizen_api.checks import Check
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect
from kaizen_api.errors import KaizenError, Paced, Unavailable
from kaizen_worker import chat, search
from kaizen_worker.engine import backends
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.schedule.timetable import Timetable, Turn, jobs_of, read
from kaizen_worker.search import Source

_LOOK_SECONDS = 5.0
_SEARCHED = "water"
_TRIAL = [f"How do I change the address of order number {number}?" for number in range(64)]


def check_engine(config: KaizenConfig) -> list[Check]:
    """One check for each job of beat's schedule, and one each for embedder, backend, naming and source."""
    return [*_schedule(config), _embedder(config), _backend(config), _naming(config), *_sources(config)]


def _schedule(config: KaizenConfig) -> list[Check]:
    """Of one tenant only what was set for it."""
    try:
        with connect(config) as redis:
            table = read(redis, config)
    except (RedisError, Unavailable):  # which another check tells
        table = Timetable(jobs_of(config), {})
    turns = [*(table.turn(name) for name in table.jobs), *_of_tenants(table)]
    return [
        Check(f"schedule {turn.name}", ok=True, detail=f"{turn.job.task} {turn.when or 'off'}: {turn.job.about}")
        for turn in turns
    ]


def _of_tenants(table: Timetable) -> list[Turn]:
    named = (place.partition("/") for place in sorted(table.settings))
    return [table.turn(name, tenant) for name, _, tenant in named if tenant and name in table.jobs]


def _embedder(config: KaizenConfig) -> Check:
    """It is tried: whatever it lacks shows at the first text."""
    try:
        embedder = Runtime(config).embedder
        embedder.embed([_TRIAL[0]])  # reads the model
        began = time.perf_counter()
        embedder.embed(_TRIAL)
        seconds = time.perf_counter() - began
    except Unavailable as error:
        remedy = "see docs/embedders.md; until it answers, what comes in waits and is not lost"
        return Check("embedder", ok=False, detail=str(error), remedy=remedy)
    detail = f"{embedder.name}, {embedder.dimension} dimensions, {len(_TRIAL) / seconds:,.0f} texts/s in a short trial"
    if config.embedder == "fast":
        detail += "; fast: where a window has more texts than that reads, a fit to it reads them"
    return Check("embedder", ok=True, detail=detail)


def _backend(config: KaizenConfig) -> Check:
    try:
        choice = backends.choose(config.cluster_backend)
    except Unavailable as error:
        return Check("cluster backend", ok=False, detail=str(error), remedy="or set KAIZEN_CLUSTER_BACKEND=auto")
    backend = choice.backend
    return Check("cluster backend", ok=True, detail=f"{backend.name} on {backend.device}, {choice.reason}")


def _naming(config: KaizenConfig) -> Check:
    endpoint = chat.configured(config)
    if endpoint is None:
        return Check("naming", ok=True, detail="by phrases, no language model")
    place = f"{endpoint.model} at {config.naming_url}"
    try:
        endpoint.ask([{"role": "user", "content": "Answer with the word yes."}], seconds=_LOOK_SECONDS)
    except Unavailable as error:
        remedy = "see to KAIZEN_NAMING_URL, KAIZEN_NAMING_MODEL and KAIZEN_NAMING_KEY; until then phrases name topics"
        return Check("naming", ok=False, detail=f"{place}: {error}", remedy=remedy)
    return Check("naming", ok=True, detail=f"{place} answers")


def _sources(config: KaizenConfig) -> list[Check]:
    """One check a source: each server is asked one question, so that its key is tried too."""
    sources = search.build(config)
    if not sources:
        remedy = "set KAIZEN_DOCUMENTS_PATH to a folder of documents (md, html, txt, pdf), or see docs/sources.md"
        return [Check("search sources", ok=True, detail="none: gaps are found and not filled", remedy=remedy)]
    return [_folder(config) if source.name == "folder" else _server(source) for source in sources]


def _folder(config: KaizenConfig) -> Check:
    path = config.documents_path
    if path is None or not path.is_dir():
        remedy = "make it, or set KAIZEN_DOCUMENTS_PATH to one that is there"
        return Check("search source folder", ok=False, detail=f"{path} is no folder", remedy=remedy)
    return Check("search source folder", ok=True, detail=str(path))


def _server(source: Source) -> Check:
    name = f"search source {source.name}"
    try:
        found = source.search(_SEARCHED, limit=1)
    except Paced as error:
        return Check(name, ok=True, detail=f"not tried now: {error}")
    except (KaizenError, RedisError) as error:
        remedy = f"see docs/sources.md and KAIZEN_SEARCH__{source.name.upper()}__…; until then others are searched"
        return Check(name, ok=False, detail=str(error), remedy=remedy)
    return Check(name, ok=True, detail=f"answers, with {len(found)} passages to the word {_SEARCHED}")
