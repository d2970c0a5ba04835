"""All of Kaizen on one machine, as `kaizen up` and the demo run it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kaizen_api.config import KaizenConfig, mask_setting
from kaizen_api.stack.password import password_file
from kaizen_api.stack.ports import check_ports
from kaizen_api.stack.services import api, beat, exporter, flower, workers
from kaizen_api.stack.stack import Stack
from kaizen_api.stack.state import Claim

_LOG_BYTES = 10_000_000
_FORMER_SECONDS = 30.0


@contextmanager
def whole(
    config: KaizenConfig,
    *,
    with_flower: bool,
    say: Callable[[str], None],
    temporary: bool = False,
    on_lost: Callable[[], None] = lambda: None,
) -> Iterator[dict[str, Any]]:
    """Run it all within the block, and yield where it is once all of it answers.

    Args:
        config: One `config.data_dir` has room for one.
        with_flower: Whether Flower runs too.
        say: Takes short lines about what goes on.
        temporary: Whether the data directory is removed at the end, `kill -9` of this process included.
        on_lost: Called, from a thread, when all of it has ended because the process that keeps it was killed.

    Yields:
        `api`, `exporter`, `flower` (URLs, None for what does not run), `flower_password` (the file that has it, None
        where it does not run or a setting has it), `redis` (URL, its password masked), `data_dir`,
        `log`, and `pids`.

    Raises:
        Conflict: another one runs in the data directory.
        Unavailable: a port is in use, or a part does not answer; the text says which.
    """
    with Claim(config.data_dir) as claim:
        services = [api(config), *workers(config), beat()]
        if config.enable_prometheus:
            services.append(exporter(config))
        # Flower looks for workers once, when it starts: they have to be there
        watchers = [flower(config, config.data_dir)] if with_flower else []
        urls = {service.name: service.url for service in (*services, *watchers) if service.url}
        check_ports(urls, patience=_FORMER_SECONDS if claim.left_behind else 0.0)
        with Stack(
            config, log=_log(config.data_dir), say=say, on_change=lambda: claim.publish(_state(stack, urls))
        ) as stack:
            stack.on_lost = on_lost
            say("starting")
            if temporary:
                stack.remove_at_end(config.data_dir)
            stack.start()
            for group in (services, watchers):
                stack.launch(group)
                claim.publish(_state(stack, urls))
                stack.wait_ready()
            yield _state(stack, urls)


def _state(stack: Stack, urls: dict[str, str]) -> dict[str, Any]:
    config, folder = stack.config, stack.config.data_dir
    return {
        **{name: urls.get(name) for name in ("api", "exporter", "flower")},
        "flower_password": str(password_file(folder)) if "flower" in urls and not config.flower_password else None,
        "redis": mask_setting("redis_url", config.redis_url),
        "data_dir": str(folder),
        "log": str(stack.log),
        "pids": stack.pids,
    }


def _log(folder: Path) -> Path:
    """The log; one that has grown large becomes the former log."""
    log = folder / "kaizen.log"
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(folder / "kaizen.log.1")
    return log
