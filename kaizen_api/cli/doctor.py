"""`kaizen doctor`: looks at every part and says what to do."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from kaizen_api.checks import check_live, parts, run_checks
from kaizen_api.checks.server import server_info, server_name
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit
from kaizen_api.cli.root import FAILED
from kaizen_api.config import KaizenConfig
from kaizen_api.stack import running

_PACKAGES = ("kaizen", "celery", "kombu", "redis", "flower", "fastapi", "numpy", "scikit-learn", "onnxruntime")


@click.command()
@click.option("--live", is_flag=True, help="Only whether this host's workers make progress, for a liveness probe.")
@click.option("--number", type=click.IntRange(1), help="With --live: only the worker of that number.")
@click.option("--only", multiple=True, metavar="PART", type=click.Choice(parts()), help="Only this part; repeatable.")
@shared
@click.pass_obj
def doctor(
    session: Session,
    live: bool,  # noqa: FBT001  # click hands options by name
    number: int | None,
    only: tuple[str, ...],
) -> int:
    """Check every part and say what to do; fails if one of them does not work.

    With `--live`, fails only where a worker process of this host lives on and does nothing, so that whatever supervises
    it starts it again; while Redis or beat is away, nobody is to blame. With `--only`, looks at parts such as beat.
    """
    config = session.config()
    checks = [
        {"name": check.name, "ok": check.ok, "detail": check.detail, "remedy": check.remedy}
        for check in (check_live(config, number=number) if live else run_checks(config, only=only))
    ]
    well = all(check["ok"] for check in checks)
    if live or only:
        emit(session, {"ok": well, "checks": checks}, _show)
        return 0 if well else FAILED
    document = {
        "ok": well,
        "checks": checks,
        "versions": _versions(config, answers=any(check["name"] == "redis" for check in checks)),
        "settings": {name: value for name, (value, _) in config.origins(session.settings).items()},
        "pids": (running(config.data_dir) or {}).get("pids"),
    }
    emit(session, document, _show)
    return 0 if well else FAILED


def _versions(config: KaizenConfig, *, answers: bool) -> dict[str, str | None]:
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    versions["server"] = server_name(server_info(config)) if answers else None
    return versions


def _show(document: Any) -> None:
    for check in document["checks"]:
        mark = ("!" if check["remedy"] else "✓") if check["ok"] else "✗"
        echo(f"{mark} {check['name']}: {check['detail']}")
        if check["remedy"]:
            echo(f"    {check['remedy']}")
