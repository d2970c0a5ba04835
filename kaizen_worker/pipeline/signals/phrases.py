"""The phrases that the signals look for, one file a language, and how a text is brought to the form they match in.

A phrase matches whole words in their order; case, apostrophes, punctuation and the spaces between do not matter, and
in what is written without blanks each character is a word. All languages are looked for at once, so that nothing has
to guess the language. The lists of each:

    refusal        the assistant says that it cannot or does not know (start of a response)
    clarification  the assistant asks back (anywhere in a response)
    closing        questions that end a good answer; they ask nothing back
    asking         how a short question back begins
    negation       the user rejects the previous answer (anywhere in the first words of a turn)
    opening        the same, but only as the first words of a turn
    trouble        the user's own trouble, that begins with a word of `opening` ("no puedo entrar", "wrong amount")
    bare           the same, but only where the turn says nothing else
    thanks         the user is content, or leaves
    escalation     the user wants a person
    function       words that carry no question of their own
"""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import groupby

import numpy as np

from kaizen_worker.pipeline.words import said
from kaizen_worker.types import Flags

UNSPACED = 1.5
"""Letters a word on average up to which a text counts as written without blanks."""


def plain(text: str) -> str:
    """Words alone, casefolded, one space around each: " it still doesnt work "."""
    return f" {' '.join(said(text))} "


def characters_a_word(text: str) -> int:
    """How many words of a `plain` text make one word of a language with blanks: 2 where each is a character."""
    count = text.count(" ") - 1
    return 2 if 0 < len(text) - text.count(" ") <= UNSPACED * count else 1


@cache
def languages() -> dict[str, dict[str, list[str]]]:
    """The lists of each language by its ISO 639 code."""
    folder = files(__package__).joinpath("languages")
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }


@cache
def phrases(kind: str) -> tuple[tuple[str, ...], ...]:
    """The phrases of one kind in every language as words, sorted and distinct."""
    return tuple(sorted({tuple(plain(phrase).split()) for lists in languages().values() for phrase in lists[kind]}))


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
