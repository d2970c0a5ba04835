"""Which format a log is in, from its beginning."""

import io
from itertools import islice

from kaizen_api.errors import Invalid
from kaizen_api.formats import delimited, events, langfuse, lmsys, native, openai, otlp, sharegpt, wildchat
from kaizen_api.formats.contract import Format, Sample
from kaizen_api.formats.records import decoded, pieces
from kaizen_api.formats.source import BOM, Source

FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        native.FORMAT,
        otlp.FORMAT,
        events.FORMAT,
        wildchat.FORMAT,
        lmsys.FORMAT,
        sharegpt.FORMAT,
        openai.FORMAT,
        langfuse.FORMAT,
        delimited.CSV,
        delimited.TSV,
    )
}
"""Every format by its name; of several that claim a log, the first gets it."""

_FOREIGN = {
    b"PAR1": "Parquet: write it as JSONL or CSV first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"(\xb5/\xfd": "compressed with zstd: unpack it first, or use gzip",
    b"\xfd7zXZ": "compressed with xz: unpack it first, or use gzip",
    b"BZh": "compressed with bzip2: unpack it first, or use gzip",
    b"\xff\xfe": "in UTF-16: save it as UTF-8",
    b"\xfe\xff": "in UTF-16: save it as UTF-8",
}
"""How bytes begin that are no text in UTF-8, and what to do about it."""

_MAX_RECORDS = 100


def named(name: str) -> Format:
    """The format of that name.

    Raises:
        Invalid: there is none; the text lists the names.
    """
    if name not in FORMATS:
        raise Invalid(f"there is no format `{name}`: it is one of {', '.join(sorted(FORMATS))}")
    return FORMATS[name]


def detect(head: bytes, name: str) -> str:
    """The name of the format of a log.

    Args:
        head: How it begins, decompressed; the more whole records, the surer.
        name: What errors call the log.

    Raises:
        Invalid: no format claims it; the text says what was looked for.
    """
    if not head.removeprefix(BOM).strip():
        raise Invalid(f"{name} is empty: there is nothing to read")
    for start, remedy in _FOREIGN.items():
        if head.startswith(start):
            raise Invalid(f"{name} is {remedy}")
    sample = _sample(head)
    claiming = (format_.name for format_ in FORMATS.values() if format_.claims(sample))
    found = next(claiming, None)
    if found is None:
        known = "; ".join(f"{format_.name}: {format_.looks_like}" for format_ in FORMATS.values())
        raise Invalid(f"{name} is in no format that Kaizen knows, name it with --format if it is: looked for {known}")
    return found


def _sample(head: bytes) -> Sample:
    source = Source(io.BytesIO(head), name="")
    source.head(_MAX_RECORDS)
    records = []
    for piece in islice(pieces(source), _MAX_RECORDS):
        try:
            records.append(decoded(piece.data))
        except Invalid:
            continue  # damaged, or cut off with the head
    lines = head.removeprefix(BOM).decode(errors="replace").split("\n")
    return Sample(header=next((line for line in lines if line.strip()), ""), records=records)
