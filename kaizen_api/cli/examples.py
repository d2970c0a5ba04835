"""Interactions beside others: some lines for each, as rendered by `plain`."""

from collections.abc import Mapping
from typing import Any

from kaizen_api.cli.moments import local
from kaizen_api.figures import seconds

Shown = Mapping[str, Any]

_SHOWN = 300  # characters of a text; the rest is shown where it stands alone


def example_lines(example: Shown) -> list[str]:
    """An interaction beside others: when, what was asked and answered, how it went."""
    answer = f"answer: {said(example['response'])}" if example["response"] is not None else "no answer in the log"
    signs = f"signs: {', '.join(example['signs'])}" if example["signs"] else ""
    lines = [f"{local(example['occurred_at'])}  {_cut(example['query'])}", answer, how_it_went(example), signs]
    first, *rest = [line for line in lines if line]
    return [first, *(f"  {line}" for line in rest), f"  `kaizen interaction {example['id']}`"]


def said(response: str) -> str:
    """An answer in one line; one that says nothing is said to."""
    return _cut(response) or "(empty)"


def how_it_went(one: Shown) -> str:
    """What was measured of an interaction."""
    time, feedback, level = one["response_time"], one["feedback"], one["level"]
    said = (
        one["error"] and f"error: {one['error']}",
        time is not None and seconds(time),
        feedback is not None and f"feedback {feedback:+g}",
        level is not None and f"level {level:.2f}",
        one["model"] and f"model {one['model']}",
        one["tool"] and f"tool {one['tool']}",
    )
    return ", ".join(word for word in said if word)


def _cut(text: str) -> str:
    """In one line, and not all of it where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
