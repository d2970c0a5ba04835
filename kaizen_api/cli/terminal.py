"""What may reach a terminal: nothing from a log, a model or an argument does so as a control sequence."""

import json
import re
from typing import Any

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, movement
    r"|(?:\x1b[PX\]^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC and its like: titles, links
    r"|\x1b[ -/]*[0-~]"  # any other escape
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNESCAPED = re.compile(r"[\x7f-\x9f]")


def printable(text: str) -> str:
    """The text without terminal sequences, and U+FFFD for each other control character.

    Newlines and tabs stay.
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _SEQUENCE.sub("", text))


def as_json(document: Any) -> str:
    """One line of JSON, with every control character escaped."""
    text = json.dumps(document, ensure_ascii=False)
    return _UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
