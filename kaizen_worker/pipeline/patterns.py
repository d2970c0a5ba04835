"""What kind of request a query is, by how it begins: documented rules, the same answer every time, no model.

In order: after what is only polite, the first verb decides on creation or analysis; words that lean on the turn before
make a follow-up; then what asks is a question, what orders a command, and the rest a statement. Japanese puts its verb
last, so beginnings tell its questions and little more.
"""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from kaizen_worker.pipeline.words import said
from kaizen_worker.types import Coded, Codes

KINDS = ("analysis", "command", "creation", "follow_up", "question", "statement")
"""Every kind, sorted; the codes of `kinds` point into it."""

SHORT = 8
"""Words up to which a beginning like "and" or "but" makes a follow-up; longer turns carry their own request."""

QUESTION_MARKS = ("?", "\uff1f", "\u061f")


def kinds(texts: Sequence[str]) -> Coded:
    """Kind of each text: codes (len(texts),) int32 into KINDS, never -1."""
    return Coded(np.array([KINDS.index(_kind(text)) for text in texts], np.int32), KINDS)


def counted(kinds: Coded, text: Codes) -> dict[str, int]:
    """How many interactions there are of each kind, those of none left out.

    Args:
        kinds: Of u distinct texts.
        text: (n,) the text of each interaction.
    """
    numbers = np.bincount(kinds.codes[text], minlength=len(kinds.names)).tolist()
    return {name: number for name, number in zip(kinds.names, numbers, strict=True) if number}


def _kind(text: str) -> str:
    words = said(text)
    line = f"{' '.join(words)} "
    asked = line
    while polite := _starts("polite").match(asked):
        asked = asked[polite.end() :]
    last = asked
    while polite := _ends("polite").search(last):
        last = last[: polite.start()]
    if len(words) <= SHORT and _starts("follow_up").match(line):
        return "follow_up"
    for kind in ("creation", "analysis"):
        if _starts(kind).match(asked) or _ends(kind).search(last):
            return kind
    if last != asked and _ends("command").search(last):  # "would you send it", of a language whose verb comes last
        return "command"
    if text.rstrip().endswith(QUESTION_MARKS) or _asks(asked) or _asks(line) or _ends("question").search(last):
        return "question"
    return "command" if _starts("command").match(asked) or _ends("command").search(last) else "statement"


def _asks(line: str) -> bool:
    return _starts("question").match(line) is not None or _ends("question").search(line) is not None


@cache
def _starts(list_name: str) -> re.Pattern[str]:
    """Matches any beginning of that list, the longest first, up to the space after it."""
    return re.compile(f"(?:{_either(list_name)}) ")


@cache
def _ends(list_name: str) -> re.Pattern[str]:
    """Finds any ending of that list where the words end, the longest first."""
    return re.compile(f"(?:^|(?<= ))(?:{_either(f'{list_name}_end')}) $")


def _either(list_name: str) -> str:
    """The phrases of that list in all languages that have it, as alternatives of a pattern."""
    languages = tomllib.loads(files(__package__).joinpath("patterns.toml").read_text(encoding="utf-8"))
    phrases = sorted({" ".join(said(one)) for lists in languages.values() for one in lists.get(list_name, ())})
    return "|".join(map(re.escape, sorted(phrases, key=len, reverse=True)))
