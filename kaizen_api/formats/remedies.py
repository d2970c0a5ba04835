"""What is wrong with a field, in the words of whoever writes logs: its name, what it has to be, and an example."""

import re

from kaizen_api.schema import MAX_NAMES, MAX_RESPONSE_SECONDS

_AT = re.compile(r"(?P<what>.+) - at (?:`key` in )?`\$\.(?P<field>\w+)(?P<inside>[^`]*)`", re.DOTALL)
_NAME = "a text of 1 to 256 characters"
_TIME = "a time in RFC 3339, like 2026-01-31T09:30:00Z"
_REMEDIES = {
    "query": "the text that was asked",
    "id": f'{_NAME}, like "q-17"',
    "occurred_at": _TIME,
    "session_id": f'{_NAME}, like "s-17"',
    "user_id": f'{_NAME}, like "u-17"',
    "response": "the text of the answer",
    "response_time": f"seconds from 0 to {MAX_RESPONSE_SECONDS:.0f}, like 1.5",
    "error": f'{_NAME}, like "TimeoutError"',
    "feedback": "a number from -1 to 1, like 1 for a thumb up",
    "consciousness_level": "a number from 0 to 1, like 0.8",
    "critics": f'up to {MAX_NAMES} names with a number from 0 to 1 each, like {{"tone": 0.8}}',
    "accepted": "true or false",
    "entry_ids": f'a list of up to {MAX_NAMES} ids, like ["e1", "e2"]',
    "model": f'{_NAME}, like "small-2"',
    "tool": f'{_NAME}, like "search"',
    "metadata": f'an object of up to {MAX_NAMES} fields, like {{"country": "de"}}',
}


def remedied(reason: str) -> str:
    """The reason with its field in front and what to give; one that is no complaint about a field stays as it is."""
    found = _AT.fullmatch(reason)
    if not found or found["field"] not in _REMEDIES:
        return reason
    what = found["what"][:1].lower() + found["what"][1:].replace(" | null", "")
    return f"`{found['field']}{found['inside']}`: {what}; give {_REMEDIES[found['field']]}"
