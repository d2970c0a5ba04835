"""Why a text is no JSON in UTF-8, with the remedy: parsers name a byte, which helps nobody."""

import json
from typing import Never


class _ConstantError(Exception):
    """NaN or an infinity, which Python writes and JSON does not know."""


def complaint(text: bytes) -> str | None:
    """What is wrong with a text that should be one JSON value in UTF-8; None where that is what it is."""
    try:
        json.loads(text.decode(), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}: send UTF-8"
    except _ConstantError as error:
        return f"not JSON: {error} is no JSON number; leave the field out"
    except RecursionError:
        return "nested too deep: send `metadata` flat"
    except ValueError as error:
        return f"not JSON: {error}: send an object with double quotes, closed and without a comma at the end"
    return None


def _refuse(name: str) -> Never:
    raise _ConstantError(name)
