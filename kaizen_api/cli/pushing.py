"""Files on their way into a stream: each from its bookmark on, once or for as long as it grows."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from kaizen_api import formats
from kaizen_api.bookmarks import Bookmark, Bookmarks
from kaizen_api.cli.output import note
from kaizen_api.cli.progress import bar
from kaizen_api.errors import Invalid
from kaizen_api.feed import Feed, Tally, Times
from kaizen_api.formats.reading import STANDARD_INPUT
from kaizen_api.tail import Tail

_GZIP = b"\x1f\x8b"


class _Told(Exception):
    """Told to end."""


class Pushing:
    """One feed over several files.

    Attributes:
        files: What became of each so far.
        times: How the interactions of all of them stand in time.
    """

    def __init__(self, feed: Feed, bookmarks: Bookmarks, kind: str | None) -> None:
        self.files: list[dict[str, Any]] = []
        self.times = Times()
        self._feed = feed
        self._bookmarks = bookmarks
        self._kind = kind

    def push(self, file: Path) -> None:
        """One file to its end; that it cannot be read is noted.

        Raises:
            Unavailable: Redis was away for too long; the file's bookmark stays.
        """
        if file == Path(STANDARD_INPUT):
            with self._noted(file, Tally()) as tally:
                for _ in self._feed.take(formats.read(file, format=self._kind), tally):
                    pass
            return
        with file.open("rb") as log:
            start, tally = self._begin(file, log.fileno())
            with self._noted(file, tally), bar(file.name, total=_size(file)) as advance:
                for offset in self._feed.take(formats.read(file, format=self._kind, start=start), tally):
                    self._mark(log.fileno(), tally, offset)
                    advance(offset, f"{tally.total} interactions")
                self._bookmarks.drop(log.fileno())

    def follow(self, file: Path, told: threading.Event) -> None:
        """One file and those that take its place, until told to end or one cannot be read; bookmarks stay."""
        with suppress(_Told):
            while self._follow(file, told):
                note(f"{file}: replaced, goes on with the new one")

    def _follow(self, file: Path, told: threading.Event) -> bool:
        """One file until another takes its place; False if it could not be read."""

        def reached(offset: int) -> None:
            self._mark(log.fileno(), tally, offset)
            if told.is_set():  # only here, where all that was read is appended and counted
                raise _Told

        with Tail(file, on_idle=lambda: reached(self._feed.flush())) as log:
            start, tally = self._begin(file, log.fileno())
            with self._noted(file, tally):
                reads = formats.read_stream(cast("BinaryIO", log), name=str(file), format=self._kind, start=start)
                for offset in self._feed.take(reads, tally):
                    reached(offset)
        return not self.files[-1]["error"]

    def _begin(self, file: Path, log: int) -> tuple[int, Tally]:
        mark = self._bookmarks.of(log)
        if mark is None:
            return 0, Tally()
        note(f"{file}: goes on at byte {mark.offset}")
        return mark.offset, Tally(accepted=mark.accepted, duplicate=mark.duplicate, refused=mark.refused)

    def _mark(self, log: int, tally: Tally, offset: int) -> None:
        if offset:
            self._bookmarks.put(log, Bookmark(offset, tally.accepted, tally.duplicate, tally.refused))

    @contextmanager
    def _noted(self, file: Path, tally: Tally) -> Iterator[Tally]:
        """What becomes of the file is in `files`, however the block ends."""
        error = None
        try:
            yield tally
            error = "; ".join(f"{broken.place}: {broken.reason}" for broken in tally.broken) or None
        except (Invalid, OSError) as caught:
            error = str(caught)
        finally:
            self.times.add(tally.times)
            self.files.append(
                {
                    "file": str(file),
                    "accepted": tally.accepted,
                    "duplicate": tally.duplicate,
                    "refused": tally.refused,
                    "refusals": [{"place": refusal.place, "reason": refusal.reason} for refusal in tally.refusals],
                    "error": error,
                }
            )


def time_notes(times: Times) -> dict[str, Any]:
    """What programs are told of the times: how many have none, and the field that looks like one."""
    return {"untimed": times.untimed, "looks_like_occurred_at": times.likely}


def untimed_note(told: Mapping[str, Any], *, read: int, meaning: str, remedy: str) -> str | None:
    """The same for people, None where nothing is missing.

    Args:
        told: What `time_notes` gave.
        read: Interactions that were read.
        meaning: When they count as having happened.
        remedy: What to do with the field that looks like the time.
    """
    if not told["untimed"]:
        return None
    likely = told["looks_like_occurred_at"]
    remedy = f"; `{likely}` looks like it: {remedy}" if likely else ""
    return f"no `occurred_at` in {told['untimed']} of {read} interactions: they count as of {meaning}{remedy}"


def _size(file: Path) -> float | None:
    """Bytes to read, None where they are more than the file has."""
    with file.open("rb") as stream:
        return None if stream.read(len(_GZIP)) == _GZIP else file.stat().st_size
