"""What may reach a terminal: nothing from a log, a model or an argument does so as a control sequence."""

import json
import re
from typing import Any

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, movement
    r"|(?:\x1b[PX\]^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links
    r"|\x1b[ -/]*[0-~]"  # any other escape
)
_SHOWN_AS_UNKNOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_UNESCAPED = re.compile(r"[\x7f-\x9f\ud800-\udfff]")


def printable(text: str) -> str:
    """The text without terminal sequences; U+FFFD for each other control character and each half of a surrogate pair.

    Newlines and tabs stay. A byte of an argument that is no UTF-8 is such a half.
    """
    return _SHOWN_AS_UNKNOWN.sub("\N{REPLACEMENT CHARACTER}", _SEQUENCE.sub("", text))


def as_json(document: Any) -> str:
    """One line of JSON, with every control character escaped."""
    return escaped(json.dumps(document, ensure_ascii=False))


def escaped(text: str) -> str:
    """JSON with those control characters escaped too that it would let pass: DEL and C1."""
    return _UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
