"""Logs of many formats, read as interactions, each with its line.

    for read in formats.read("chats.jsonl.gz"):
        match read.value:
            case Interaction() as interaction: …
            case Refused() as refused: …

The format is found by looking, or named. Reading streams: a record over `MAX_RECORD_BYTES` (4 MiB) is refused unheld,
and what a format has to hold across records is bounded where it is held (`fold`, `index`). Bytes that make no sense
give refusals, each with its line, and never stop the good records around them.
"""

from kaizen_api.formats.contract import Format, Read, Refused
from kaizen_api.formats.detection import FORMATS, detect
from kaizen_api.formats.otlp import interactions_from_logs, interactions_from_traces
from kaizen_api.formats.reading import read, read_stream
from kaizen_api.formats.source import MAX_RECORD_BYTES

__all__ = [
    "FORMATS",
    "MAX_RECORD_BYTES",
    "Format",
    "Read",
    "Refused",
    "detect",
    "interactions_from_logs",
    "interactions_from_traces",
    "read",
    "read_stream",
]
