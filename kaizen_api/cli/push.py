"""`kaizen push`: log files into the stream, with progress; what broke off goes on where it was."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from kaizen_api import formats
from kaizen_api.bookmarks import Bookmark, Bookmarks
from kaizen_api.cli.options import Session, shared
from kaizen_api.cli.output import emit, note
from kaizen_api.cli.progress import bar
from kaizen_api.cli.root import FAILED
from kaizen_api.errors import Invalid, Unavailable
from kaizen_api.feed import REFUSALS_KEPT, Feed, Tally
from kaizen_api.formats.contract import Refused
from kaizen_api.producer import Producer

_GZIP = b"\x1f\x8b"
_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_file, metavar="FILE…")
@click.option("--format", "kind", type=click.Choice(sorted(formats.FORMATS)), help="Default: told from the content.")
@shared
@click.pass_obj
def push(session: Session, files: Sequence[Path], kind: str | None) -> int:
    """Import logs: JSONL, CSV, chats, traces, exports; gzip too.

    Ends with what was accepted, what was there before, and what was refused and why. Fails only if a file could not be
    read, or nothing of it all was an interaction.
    """
    config = session.config()
    with Producer(config) as producer:
        feed = Feed(producer, on_refused=_Telling(), on_wait=_waits)
        bookmarks = Bookmarks(config)
        pushed = [_push(feed, bookmarks, file, kind) for file in files]
    totals = {name: sum(file[name] for file in pushed) for name in ("accepted", "duplicate", "refused")}
    refusals = [refusal for file in pushed for refusal in file["refusals"]]
    emit(session, {**totals, "refusals": refusals[:REFUSALS_KEPT], "files": pushed}, _show)
    nothing = totals["refused"] and not totals["accepted"] + totals["duplicate"]
    return FAILED if nothing or any(file["error"] for file in pushed) else 0


def _push(feed: Feed, bookmarks: Bookmarks, file: Path, kind: str | None) -> dict[str, Any]:
    """One file from its bookmark on; what became of it."""
    mark = bookmarks.of(file)
    tally = Tally()
    if mark is not None:
        note(f"{file}: goes on at byte {mark.offset}")
        tally = Tally(accepted=mark.accepted, duplicate=mark.duplicate, refused=mark.refused)
    error = None
    try:
        with bar(file.name, total=_size(file)) as advance:
            for offset in feed.take(formats.read(file, format=kind, start=mark.offset if mark else 0), tally):
                bookmarks.put(file, Bookmark(offset, tally.accepted, tally.duplicate, tally.refused))
                advance(offset, f"{tally.total} interactions")
        bookmarks.drop(file)
    except (Invalid, OSError) as caught:
        error = str(caught)
        note(f"{file}: {error}")
    counts = {"accepted": tally.accepted, "duplicate": tally.duplicate, "refused": tally.refused}
    return {
        "file": str(file),
        **counts,
        "refusals": [{"place": refusal.place, "reason": refusal.reason} for refusal in tally.refusals],
        "error": error,
    }


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


def _waits(error: Unavailable, seconds: float) -> None:
    note(f"waiting {seconds:g} s: {error}")


def _size(file: Path) -> float | None:
    """Bytes to read, None where they are more than the file has."""
    with file.open("rb") as stream:
        return None if stream.read(2) == _GZIP else file.stat().st_size


def _show(pushed: Any) -> None:
    click.echo(f"{pushed['accepted']} accepted, {pushed['duplicate']} duplicate, {pushed['refused']} refused")
