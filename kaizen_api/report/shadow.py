"""One run in shadow: a private server and real workers in a temporary folder, that ends without a trace.

Guarantee: the folder and all processes are gone when the run is over, however it ends, `kill -9` of this process
included. The same logs, settings and seed give the same results.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pydantic import SecretStr

from kaizen_api import analyses, formats
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, reaching
from kaizen_api.errors import Invalid, Unavailable
from kaizen_api.feed import Feed, Tally
from kaizen_api.follow import draining, following, settling
from kaizen_api.producer import Producer
from kaizen_api.queries import Queries
from kaizen_api.report.results import Results, read_results
from kaizen_api.schema import Cycle
from kaizen_api.stack import Stack, beat, workers

Progress = Callable[[str, float, str], None]
"""Takes the step, how much of it is done (0..1), and a word about it."""

_UNTIMED = 946_684_800  # the year 2000: when a log without times happened, on whatever day it is analysed
_DAY = 86_400
_CYCLE_SECONDS = 21_600.0
_FILL_SECONDS = 120.0
LOG = "kaizen.log"


def shadow_run(
    config: KaizenConfig, logs: Sequence[Path], *, kind: str | None, progress: Progress, keep_log: Path
) -> Results:
    """Analyse logs apart from everything else.

    Args:
        config: Settings of the analysis; its servers, folders, and whatever changes anything by itself are not used.
        logs: Files, in their order.
        kind: Their format, None to tell it from the content.
        progress: Told what goes on.
        keep_log: Where the log of the processes is kept if the run fails.

    Raises:
        Invalid: nothing of the logs is an interaction, or no format fits.
        Unavailable: a process does not start or makes no progress; the text names the log.
        OSError: a log cannot be read.
    """
    key = _key(logs)
    folder = Path(tempfile.mkdtemp(prefix="kaizen-"))
    private = _private(config, folder, key)
    log = folder / LOG
    with Stack(private, log=log, persistent=False) as stack:
        stack.remove_at_end(folder)
        try:
            stack.start()
            stack.launch([*workers(private), beat()])
            return _run(stack, logs, kind, progress)
        except Unavailable as error:
            keep_log.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(log, keep_log)
            raise Unavailable(str(error).replace(str(log), str(keep_log))) from None


def _private(config: KaizenConfig, folder: Path, user_key: str) -> KaizenConfig:
    changes = {
        "data_dir": folder,
        "knowledge_base_path": folder / "knowledge",
        "redis_url": None,
        "broker_url": None,
        "user_key": SecretStr(user_key),
        "analysis_interval": _DAY,  # the only analysis is the one asked for
        "enable_auto_apply": False,
        "naming_url": None,  # nothing leaves the machine
    }
    return config.model_copy(update=changes)


def _key(logs: Iterable[Path]) -> str:
    """Users are hashed with a key out of the logs: the same again each time, unknown to whoever has not got them.

    A sum over the lines, so that their order does not matter.
    """
    total = 0
    for path in logs:
        with path.open("rb") as stream:
            total += sum(int.from_bytes(hashlib.sha256(line.strip()).digest(), "big") for line in stream)
    return f"{total % 2**256:064x}"


def _run(stack: Stack, logs: Sequence[Path], kind: str | None, progress: Progress) -> Results:
    config = stack.config
    with Producer(config) as producer:
        tally = _feed(producer, logs, kind, progress)
    if not tally.accepted:
        reason = tally.refusals[0] if tally.refusals else None
        raise Invalid(
            f"no interactions to analyse: {f'{reason.place}: {reason.reason}' if reason else 'nothing in it'}"
        )
    progress("start workers", 0.0, "")
    stack.wait_ready()
    with reaching(config), connect(config) as client:
        queries = Queries(client, tenant=config.tenant)
        for queue in draining(queries):
            progress("embed", 1 - queue.depth / tally.accepted, f"{queue.depth} wait")
        cycle = _analyse(config, queries, progress)
        return read_results(queries, cycle, tally)


def _feed(producer: Producer, logs: Sequence[Path], kind: str | None, progress: Progress) -> Tally:
    feed = Feed(producer, started=_UNTIMED)
    tally = Tally()
    for log in logs:
        size = max(1, log.stat().st_size)
        for offset in feed.take(formats.read(log, format=kind), tally):
            progress("read", min(1.0, offset / size), f"{log.name}, {tally.total} interactions")
    return tally


def _analyse(config: KaizenConfig, queries: Queries, progress: Progress) -> Cycle:
    cycle = analyses.request(config, tenant=queries.tenant)
    for state in following(queries, cycle.id, seconds=_CYCLE_SECONDS):
        progress("analyse", state.progress, f"{state.step}  {state.detail}")
        cycle = state
    if cycle.status == "failed":
        raise Unavailable(f"the analysis failed ({cycle.error}): see {config.data_dir / LOG}")
    if config.enable_gap_fill:
        for waiting in settling(queries, seconds=_FILL_SECONDS):
            progress("search", 0.0, f"{waiting} gaps")
    return cycle
