"""The phrases that the signals look for, and how a text is brought to the form in which they are written.

A phrase matches whole words in their order; case, apostrophes, punctuation and the spaces between do not matter.
"""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import groupby

import numpy as np

from kaizen_worker.types import Flags

WORD = re.compile(r"\w+")
APOSTROPHES = str.maketrans("", "", "'`\u2018\u2019\u00b4")


def plain(text: str) -> str:
    """Words alone, casefolded, one space around each: " it still doesnt work "."""
    return f" {' '.join(WORD.findall(text.casefold().translate(APOSTROPHES)))} "


@cache
def phrases(kind: str) -> tuple[tuple[str, ...], ...]:
    """The phrases of one kind in every language as words, sorted and distinct (`phrases.toml` names the kinds)."""
    languages = tomllib.loads(files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8"))
    return tuple(sorted({tuple(plain(phrase).split()) for lists in languages.values() for phrase in lists[kind]}))


@cache
def vocabulary(*kinds: str) -> frozenset[str]:
    """Every single word of the phrases of these kinds."""
    return frozenset(word for kind in kinds for phrase in phrases(kind) for word in phrase)


@cache
def _pattern(kind: str, *, at_start: bool) -> re.Pattern[str]:
    """One alternation by first word, which is several times faster than one by phrase."""
    branches = [
        f"{re.escape(first)}(?:{'|'.join(re.escape(''.join(f' {word}' for word in rest)) for _, *rest in group)})"
        for first, group in groupby(phrases(kind), key=lambda phrase: phrase[0])
    ]
    return re.compile(f"{'^' if at_start else ''} (?:{'|'.join(branches)}) ")


def mentions(texts: Iterable[str], kind: str, *, at_start: bool = False) -> Flags:
    """Which `plain` texts contain a phrase of the kind, anywhere or as their first words; (len,) bool."""
    search = _pattern(kind, at_start=at_start).search
    return np.fromiter((search(text) is not None for text in texts), np.bool_)


def content(text: str) -> frozenset[str]:
    """The words of a `plain` text that carry its question."""
    return frozenset(text.split()) - vocabulary("function")
