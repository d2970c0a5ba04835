"""`kaizen push`: log files into the stream, with progress; what broke off goes on where it was."""

import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from kaizen_api import formats
from kaizen_api.bookmarks import Bookmarks
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import echo, emit, note
from kaizen_api.cli.pushing import Pushing, time_notes, untimed_note
from kaizen_api.cli.root import FAILED
from kaizen_api.errors import Unavailable
from kaizen_api.feed import REFUSALS_KEPT, Feed
from kaizen_api.formats import Refused
from kaizen_api.formats.reading import STANDARD_INPUT
from kaizen_api.producer import Producer

_file = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_file, metavar="FILE…")
@click.option("--format", "kind", type=click.Choice(sorted(formats.FORMATS)), help="Default: told from the content.")
@click.option("--follow", is_flag=True, help="Go on as the log grows or is rotated, until Ctrl-C; one FILE.")
@shared
@click.pass_obj
def push(session: Session, files: Sequence[Path], kind: str | None, follow: bool) -> int:  # noqa: FBT001  # click's
    """Import logs: JSONL, CSV, chats, traces, exports; gzip too, and `-` for standard input.

    Ends with what was accepted, what was there before, what was refused and why, and what has no time or is old. Fails
    only if a file could not be read to its end, or nothing of it all was an interaction.
    """
    if follow and (len(files) > 1 or files[0] == Path(STANDARD_INPUT)):
        raise click.UsageError("--follow takes one FILE, which is no pipe")
    config = session.config()
    with Producer(config) as producer:
        feed = Feed(producer, on_refused=_Telling(), on_wait=lambda error, wait: note(f"waiting {wait:g} s: {error}"))
        pushing = Pushing(feed, Bookmarks(config), kind)
        try:
            if follow:
                pushing.follow(files[0], _until_told())
            else:
                for file in files:
                    pushing.push(file)
        except Unavailable:  # which is told after this, and is the end
            _tell_unread(pushing.files, note)
            raise
    return _end(session, pushing, days=config.metrics_retention_days)


def _until_told() -> threading.Event:
    """Set by the first Ctrl-C or SIGTERM; the second one acts as ever."""
    told = threading.Event()

    def tell(*_: Any) -> None:
        told.set()
        for number, handler in former.items():
            signal.signal(number, handler)

    former = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
    return told


def _end(session: Session, pushing: Pushing, *, days: int) -> int:
    files, times = pushing.files, pushing.times
    totals = {name: sum(file[name] for file in files) for name in ("accepted", "duplicate", "refused")}
    refusals = [refusal for file in files for refusal in file["refusals"]][:REFUSALS_KEPT]
    told = {**time_notes(times), "older_than_retention": times.old}

    def show(pushed: Any) -> None:
        _show(pushed)
        for line in _of_times(pushed, read=times.read, days=days):
            note(line)

    emit(session, {**totals, **told, "refusals": refusals, "files": files}, show)
    nothing = totals["refused"] and not totals["accepted"] + totals["duplicate"]
    return FAILED if nothing or any(file["error"] for file in files) else 0


class _Telling:
    """Tells the first refusals as they come."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, refusal: Refused) -> None:
        self._told += 1
        if self._told <= REFUSALS_KEPT:
            note(f"refused {refusal.place}: {refusal.reason}")
        elif self._told == REFUSALS_KEPT + 1:
            note("more are refused; all are counted")


def _show(pushed: Any) -> None:
    echo(f"{pushed['accepted']} accepted, {pushed['duplicate']} duplicate, {pushed['refused']} refused")
    _tell_unread(pushed["files"], echo)


def _tell_unread(files: Iterable[Mapping[str, Any]], tell: Callable[[str], None]) -> None:
    for file in files:
        if file["error"]:
            tell(f"not read to its end: {file['error']}")


def _of_times(pushed: Mapping[str, Any], *, read: int, days: int) -> Iterable[str]:
    """What is worth knowing about when it all happened."""
    remedy = "give it that name in what you push from now on; pushed again under another name, all would count twice"
    untimed = untimed_note(pushed, read=read, meaning="now", remedy=remedy)
    if untimed:
        yield untimed
    if old := pushed["older_than_retention"]:
        yield (
            f"{old} of {read} are older than KAIZEN_METRICS_RETENTION_DAYS = {days}: they are analysed like others, "
            f"and deleted {days} days after this push, whatever their `occurred_at`"
        )
