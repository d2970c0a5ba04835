"""`kaizen report`: shadow mode, any log to a report, and nothing left behind."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from kaizen_api import formats
from kaizen_api.cli.options import PROCESSES, Session, setting, shared
from kaizen_api.cli.output import echo, emit
from kaizen_api.cli.progress import steps
from kaizen_api.cli.pushing import time_notes, untimed_note
from kaizen_api.cli.root import FAILED
from kaizen_api.figures import critics
from kaizen_api.report import shadow_run, write_report

_file = click.Path(path_type=Path, exists=True, dir_okay=False)
_folder = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_file, metavar="FILE…")
@click.option("--out", type=_folder, default=Path("kaizen-report"), show_default=True, help="Folder of the report.")
@click.option("--format", "kind", type=click.Choice(sorted(formats.FORMATS)), help="Default: told from the content.")
@setting("workers", "--workers", type=PROCESSES, help="Worker processes.")
@setting("seed", "--seed", type=click.IntRange(0, 2**32 - 1), help="Of everything that draws.")
@shared
@click.pass_obj
def report(session: Session, files: Sequence[Path], out: Path, kind: str | None) -> int:
    """Turn log files into a report: topics, insights, gaps, as HTML and JSON.

    Uses a server and workers of its own, in a temporary folder that is gone afterwards. The same files and seed give
    the same report. Fails if a file could not be read to its end; the report is of what could.
    """
    with steps() as progress:
        results = shadow_run(session.config(), files, kind=kind, progress=progress, keep_log=out / "kaizen.log")
    page = write_report(results, out)
    times = results.tally.times
    document = {**results.summary(), **time_notes(times), "out": str(out)}
    emit(session, document, partial(_show, page=page, read=times.read))
    return FAILED if results.tally.broken else 0


def _show(summary: Any, *, page: Path, read: int) -> None:
    echo(
        f"{summary['cycle']['interactions']} interactions, {summary['cycle']['topics']} topics, "
        f"{sum(summary['types'].values())} insights, {summary['cycle']['gaps']} gaps"
    )
    for finding in summary["findings"]:
        echo(f"- {finding['description']} ({finding['confidence']:.1%} sure)")
    if more := summary["cycle"]["insights"] - sum(summary["types"].values()):
        echo(f"{more} weaker findings are left out: KAIZEN_MAX_INSIGHTS_PER_CYCLE keeps up to 50")
    if summary["cycle"]["left_out"]:
        echo(f"{summary['cycle']['left_out']} older interactions are left out: KAIZEN_MAX_INTERACTIONS_PER_CYCLE")
    for line in critics(summary["critics"]):
        echo(f"- {line}")
    if summary["refused"]:
        echo(f"{summary['refused']} of {summary['refused'] + summary['accepted']} refused, see {page}")
    for broken in summary["unread"]:
        echo(f"not read to its end: {broken['place']}: {broken['reason']}")
    untimed = untimed_note(
        summary, read=read, meaning="one moment, in the order of the log", remedy="give it that name, and report again"
    )
    if untimed:
        echo(untimed)
    echo(f"report: {page}")
