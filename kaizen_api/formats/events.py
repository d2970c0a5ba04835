"""Kaizen's event log: `{"event", "timestamp", "data"}` on each line, folded into interactions by session and order.

| event | sets |
| --- | --- |
| daniel_query_received | begins an interaction: `query` |
| daniel_query_completed | `processing_time` (s) as response time, `consciousness_level`; its time is the interaction's |
| daniel_error | `error` |
| consciousness_update | the level, unless the completion says one; between interactions it is passed over |
| tool_invoked | the first tool |
| filter_applied | `filters` under metadata, in order |
| critics_result | `accepted`, `scores` as critics |

`data` may also hold any field of an interaction by its own name (`session_id`, `user_id`, `response`, `model`, …); what
else short it holds becomes metadata. An interaction ends when its session's next query comes, or with the log: results
may come after the completion. At most `MAX_OPEN` interactions of `MAX_OPEN_BYTES` together stay open; of more, the one
that was silent longest ends.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kaizen_api.errors import Invalid
from kaizen_api.formats.contract import Format, Read, Refused
from kaizen_api.formats.messages import text_of
from kaizen_api.formats.moments import moment, seconds
from kaizen_api.formats.pieces import Piece
from kaizen_api.formats.records import breakdowns, decoded, made, pieces
from kaizen_api.formats.source import Source
from kaizen_api.formats.turns import digest, turn_id
from kaizen_api.masking import mask
from kaizen_api.schema import Interaction

MAX_OPEN = 10_000
MAX_OPEN_BYTES = 32 * 1024 * 1024

_BEGINS = "daniel_query_received"
_COMPLETES = "daniel_query_completed"
_UPDATE = "consciousness_update"
_FILTER = "filter_applied"
_ALIASES: Mapping[str, Mapping[str, str]] = {
    _BEGINS: {},
    _COMPLETES: {"processing_time": "response_time"},
    "daniel_error": {"error_type": "error", "type": "error", "message": "error"},
    _UPDATE: {"level": "consciousness_level"},
    "tool_invoked": {"tool_name": "tool", "name": "tool"},
    _FILTER: {"filter_name": "filter", "name": "filter"},
    "critics_result": {"scores": "critics"},
}
"""Each event with the names in its `data` that mean a field of an interaction; of several, the first counts."""
