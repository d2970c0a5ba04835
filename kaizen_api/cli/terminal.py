"""JSON as it may reach a terminal: nothing from a log, a model or an argument does so as a control sequence."""

import json
import re
from typing import Any

from kaizen_api.printable import BIDI

_UNESCAPED = re.compile(rf"[\x7f-\x9f{BIDI}\ud800-\udfff]")


def as_json(document: Any) -> str:
    """One line of JSON, with every control character and sign that turns text round escaped."""
    return escaped(json.dumps(document, ensure_ascii=False))


def escaped(text: str) -> str:
    """JSON with those control characters escaped too that it would let pass: DEL, C1, and what turns text round."""
    return _UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
