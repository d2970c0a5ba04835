"""Checks of this machine: settings, folder, ports."""

import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from kaizen_api.checks.check import Check
from kaizen_api.config import KaizenConfig, unknown_variables
from kaizen_api.stack import running
from kaizen_api.stack.ports import port_is_free
from kaizen_api.stack.pulse import answers
from kaizen_api.stack.services import api, exporter

_ROOM = 1_000_000_000
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def strange_settings() -> str:
    """Variables that look like settings and are none, each with the one that may be meant; else empty."""
    strange = sorted(unknown_variables().items())
    return ", ".join(f"{name} (did you mean {near}?)" if near else name for name, near in strange)


def check_settings(config: KaizenConfig) -> list[Check]:
    """Variables that are no settings, and an API that others reach without a key."""
    checks = [Check("settings", ok=True, detail="all in range")]
    if named := strange_settings():
        checks = [Check("settings", ok=True, detail=f"in range; no settings: {named}", remedy="remove or rename them")]
    if config.api_host not in _LOOPBACK and not config.api_keys:
        detail = f"the API listens on {config.api_host} without keys"
        checks.append(
            Check("api keys", ok=False, detail=detail, remedy="set KAIZEN_API_KEYS, or KAIZEN_API_HOST=127.0.0.1")
        )
    return checks


def check_data_dir(config: KaizenConfig) -> list[Check]:
    """Whether it can be written, and has room."""
    folder = _existing(config.data_dir)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass  # permissions do not tell: a kernel's own file system has them and takes no file
    except OSError as error:
        done = "written" if folder == config.data_dir else "created"
        detail = f"{config.data_dir} cannot be {done}: {folder} takes no file ({error.strerror})"
        return [Check("data dir", ok=False, detail=detail, remedy="choose another with KAIZEN_DATA_DIR or --data-dir")]
    free = shutil.disk_usage(folder).free
    remedy = "" if free > _ROOM else "make room: the append-only file and the archives need it"
    return [Check("data dir", ok=True, detail=f"{config.data_dir}, {free / 1e9:.1f} GB free", remedy=remedy)]


def _existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def check_api(config: KaizenConfig) -> list[Check]:
    """Under `kaizen up` whether its services answer, else whether their ports are free for it."""
    state = running(config.data_dir)
    if state is None:
        ports = {
            part: urlsplit(str(service.url)) for part, service in (("api", api(config)), ("exporter", exporter(config)))
        }
        seen = [
            f"port {url.port} of the {part} is {'free' if port_is_free(str(url.hostname), url.port or 0) else 'in use'}"
            for part, url in ports.items()
        ]
        return [Check("up", ok=True, detail=f"`kaizen up` does not run in {config.data_dir}; {', '.join(seen)}")]
    paths = {"api": api(config).health, "exporter": exporter(config).health, "flower": "/healthcheck"}
    checks = []
    for part, path in paths.items():
        if url := state.get(part):
            ok = answers(url + path)
            remedy = "" if ok else f"see {state['log']}"
            checks.append(Check(part, ok=ok, detail=f"{url} {'answers' if ok else 'does not answer'}", remedy=remedy))
    return checks
