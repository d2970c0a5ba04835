"""Why a text is no JSON in UTF-8 that can be taken, with the remedy: parsers name a byte, which helps nobody."""

import json
import math
import re
from typing import Never

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SHOWN = 20
"""Characters of a number that are said."""


class _UnfitError(Exception):
    """What JSON does not know, or no value here can be; the text has the remedy."""


def complaint(text: bytes) -> str | None:
    """What is wrong with a text that should be one JSON value in UTF-8; None where nothing is."""
    try:
        value = json.loads(text.decode(), parse_constant=_refuse, parse_float=_finite, parse_int=_finite)
        if _SURROGATE.search(text):
            _check_pairs(value)
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}: send UTF-8"
    except _UnfitError as error:
        return str(error)
    except RecursionError:
        return "nested too deep: send `metadata` flat"
    except ValueError as error:
        return f"not JSON: {error}: send an object with double quotes, closed and without a comma at the end"
    return None


def is_json(text: bytes) -> bool:
    """Whether it is JSON in UTF-8 by its grammar, whatever is wrong with what it says."""
    try:
        json.loads(text.decode(), parse_constant=_refuse, parse_int=float)
    except (ValueError, RecursionError, _UnfitError):
        return False
    return True


def _check_pairs(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _UnfitError("a text holds half of a surrogate pair, which is no character: leave it out") from None


def _refuse(name: str) -> Never:
    raise _UnfitError(f"not JSON: {name} is no JSON number; leave the field out")


def _finite(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        shown = f"{literal[:_SHOWN]}{'…' * (len(literal) > _SHOWN)}"
        raise _UnfitError(f"the number {shown} is too large: give one of at most 1.8e308, or leave the field out")
    return number
