"""Checks of a running system: each looks at one part and says what to do, none changes anything.

Further checks join by the entry point group `kaizen.checks`: callables that take the configuration and return checks.
"""

from collections.abc import Callable, Collection, Iterator
from importlib.metadata import entry_points

from kaizen_api.checks.check import Check
from kaizen_api.checks.live import check_live
from kaizen_api.checks.machine import check_api, check_data_dir, check_settings, strange_settings
from kaizen_api.checks.server import check_beat, check_broker, check_server, check_stream, check_workers
from kaizen_api.checks.topology import check_topology
from kaizen_api.config import KaizenConfig
from kaizen_api.errors import KaizenError

__all__ = ["Check", "check_live", "parts", "run_checks", "strange_settings"]

_CHECKS: tuple[Callable[[KaizenConfig], list[Check]], ...] = (
    check_settings,
    check_data_dir,
    check_server,
    check_topology,
    check_broker,
    check_workers,
    check_beat,
    check_stream,
    check_api,
)


_BEHIND_REDIS = frozenset({check_topology, check_workers, check_beat, check_stream})
"""What is not looked at where Redis does not answer: each would wait for its time-out again."""


def run_checks(config: KaizenConfig, *, only: Collection[str] = ()) -> Iterator[Check]:
    """All checks, those of other packages last; where a part is down its check fails, and those of what needs it.

    Args:
        config: The settings.
        only: Parts to look at, of `parts()`; empty: all.
    """
    away = False
    for check in (one for one in _CHECKS if not only or _part(one) in only):
        name = _part(check)
        if away and (check in _BEHIND_REDIS or (check is check_broker and config.broker_url is None)):
            yield Check(name, ok=False, detail="not looked at, for Redis does not answer")
            continue
        found = _run(name, check, config)
        away = away or (check is check_server and found[0].name == name)  # else it tells of what it saw
        yield from found
    for entry in entry_points(group="kaizen.checks"):
        if only and entry.name not in only:
            continue
        try:
            joined = entry.load()
        except ImportError as error:
            yield Check(entry.name, ok=False, detail=f"{entry.value} cannot be loaded: {error}", remedy="install again")
        else:
            yield from _run(entry.name, joined, config)


def parts() -> list[str]:
    """What can be looked at by itself."""
    return [*map(_part, _CHECKS), *(entry.name for entry in entry_points(group="kaizen.checks"))]


def _part(check: Callable[[KaizenConfig], list[Check]]) -> str:
    return check.__name__.removeprefix("check_").replace("_", " ")


def _run(name: str, check: Callable[[KaizenConfig], list[Check]], config: KaizenConfig) -> list[Check]:
    try:
        return check(config)
    except (KaizenError, OSError) as error:
        return [Check(name, ok=False, detail=str(error))]
