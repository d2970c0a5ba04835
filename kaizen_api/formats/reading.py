"""A log opened, its format found, and read."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from kaizen_api.errors import Invalid
from kaizen_api.formats.contract import Read, Refused
from kaizen_api.formats.detection import detect, named
from kaizen_api.formats.pieces import TOO_LONG
from kaizen_api.formats.source import BOM, CHUNK_BYTES, Source

STANDARD_INPUT = "-"

_LOOKS = (1, 20, 400)
"""How many lines are looked at to find the format: more only if fewer do not tell, so that a pipe need not wait."""


def read(path: Path | str, *, format: str | None = None, start: int = 0) -> Iterator[Read]:  # noqa: A002 - as the CLI
    """The interactions of a log file, and what of it is refused, in order.

    Args:
        path: The file, gzip or not; `-` for standard input.
        format: Its format, one of `FORMATS`; found by looking if absent.
        start: The offset of a `Read` to resume behind, in a log that has not changed before it.

    Raises:
        Invalid: at the first item: no such file or format, nothing in it, or no format fits; the text says what to do.
    """
    if str(path) == STANDARD_INPUT:
        yield from read_stream(sys.stdin.buffer, name=STANDARD_INPUT, format=format, start=start)
        return
    with _opened(Path(path)) as stream:
        yield from read_stream(stream, name=str(path), format=format, start=start)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except IsADirectoryError:
        raise Invalid(f"{path} is a folder: name the files in it") from None
    except FileNotFoundError:
        raise Invalid(f"{path} does not exist: check the path") from None
    except (OSError, ValueError) as error:
        raise Invalid(f"{path} cannot be opened ({error}): check the path and its permissions") from None


def read_stream(
    stream: BinaryIO,
    *,
    name: str,
    format: str | None = None,  # noqa: A002 - as in `read`
    start: int = 0,
) -> Iterator[Read]:
    """Likewise from a binary stream, which stays open.

    Args:
        stream: Read from where it stands; formats that join scores need one that can seek.
        name: What places and errors call it.
        format: As in `read`.
        start: As in `read`, counted from where the stream stands.
    """
    source = Source(stream, name=name)
    parse = named(_found(source) if format is None else _looked(source, format)).parse
    nothing = True
    for item in parse(source, start):
        nothing = False
        yield _marked(item, source.damage)
    if nothing and start == 0:
        reason = "there is no interaction in it: check that it is the right log, and whole"
        yield Read(name, 1, 0, Refused(name, reason))


def _marked(item: Read, damage: str | None) -> Read:
    """The item, marked where it says that the rest of the log cannot be read."""
    if damage is None or not isinstance(item.value, Refused) or item.value.reason != damage:
        return item
    return replace(item, value=replace(item.value, breaks_off=True))


def _looked(source: Source, format_: str) -> str:
    """The format that was named, once the source shows how it begins."""
    named(format_)
    for lines in _LOOKS:
        if source.head(lines).removeprefix(BOM).strip():
            return format_
    raise Invalid(source.damage or f"{source.name} is empty: there is nothing to read")


def _found(source: Source) -> str:
    """The source's format, from as few of its lines as tell it."""
    failed = Invalid()
    for lines in _LOOKS:
        head = source.head(lines)
        try:
            return detect(head, source.name)
        except Invalid as error:
            failed = Invalid(f"{source.name}: {source.damage}") if source.damage else error
            if len(head) >= CHUNK_BYTES and b"\n" not in head:
                failed = Invalid(f"{failed}; its first line may be {TOO_LONG}")
        if source.exhausted:
            break
    raise failed
