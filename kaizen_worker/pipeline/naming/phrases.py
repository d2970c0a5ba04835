"""The phrases of a text: what a name may be made of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from kaizen_worker.pipeline.naming.language import Language
from kaizen_worker.pipeline.naming.stop_words import CUTS, DETERMINERS, NEVER_CLOSES, NEVER_OPENS, OPENS_MORE, PARTICLES
from kaizen_worker.pipeline.words import characters, normal, pieces

LONGEST = 4
"""Words of a phrase that are no stop words."""

WIDEST = 6
"""Words of a phrase with the stop words in it, as in "transfer money to my account"."""

LONGEST_RUN = 8
"""Characters of a phrase that is written without blanks."""

A_WORD = 2
"""Characters that make a word there, about."""

A_VALUE = 4
"""Digits of a number from which it is one thing's own."""

_BREAK = re.compile(r"(?<![.,;:!?…])[.,;:!?…]++(?:\s|$)|[()\"\n]")
"""Where a phrase ends, whatever follows; a run without blanks ends at any sign anyway. Signs are looked at once."""

_CUT = re.compile("|".join(sorted(CUTS, key=len, reverse=True)))
_KATAKANA = re.compile("[\u30a1-\u30ff]+")
_KATAKANA_OR_NOT = re.compile("[\u30a1-\u30ff]+|[^\u30a1-\u30ff]+")
_HIRAGANA = re.compile("[\u3041-\u309f]")

Stems = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase as it stands in a text."""

    stems: Stems  # what makes it the same phrase as another
    surface: str | None  # how it is written here, None where that does not read well
    length: float  # in words


def phrases(text: str, language: Language) -> Iterator[Phrase]:
    """Runs of up to three words, or of characters where there are no blanks, that neither open nor close emptily."""
    for clause in _BREAK.split(normal(text)):
        for spaced, group in groupby(pieces(clause), key=lambda piece: piece[1]):
            if spaced:
                yield from _of_words([word for word, _ in group], language)
            else:
                for run, _ in group:
                    for part in _CUT.split(run):
                        yield from _of_characters(_units(part))


def _of_words(words: list[str], language: Language) -> Iterator[Phrase]:
    """A number alone says as little as a stop word at either end."""
    empty = [word in language.stop_words for word in words]
    says = [not no and not word.isdigit() for no, word in zip(empty, words, strict=True)]
    for begin in range(len(words)):
        if not says[begin] or words[begin] in PARTICLES:
            continue
        for end in range(begin, min(begin + WIDEST, len(words))):
            if says[end] and not (words[end] in OPENS_MORE and _goes_on(words, says, end + 1)):
                run = words[begin : end + 1]
                between = [word for word in run if word in language.stop_words]
                stems = tuple(language.stem(word.casefold()) for word in run if word not in language.stop_words)
                if len(stems) <= LONGEST:
                    well = _reads_well(between, language) and not any(map(_is_a_value, run))
                    yield Phrase(stems, " ".join(run) if well else None, len(stems))


def _goes_on(words: list[str], says: list[bool], at: int) -> bool:
    return at < len(words) and (says[at] or words[at] in DETERMINERS)


def _is_a_value(word: str) -> bool:
    """Whether it is one order's or account's number: no name of what many people ask."""
    return len(word) >= A_VALUE and word.isdigit()


def _reads_well(between: list[str], language: Language) -> bool:
    return all(word in language.glue for word in between) if language.glue else len(between) <= 1


def _of_characters(units: list[str]) -> Iterator[Phrase]:
    for begin, first in enumerate(units):
        if _HIRAGANA.match(first):
            continue
        for end in range(begin, min(begin + LONGEST_RUN + 1, len(units))):  # one more, to see what it cuts
            run = units[begin : end + 1]
            surface = "".join(run)
            if len(surface) >= A_WORD and surface[0] not in NEVER_OPENS and surface[-1] not in NEVER_CLOSES:
                yield Phrase(tuple(run), surface if len(run) <= LONGEST_RUN else None, _length(run))


def _length(run: list[str]) -> float:
    """In words; a word of katakana is one."""
    return sum(A_WORD if _KATAKANA.fullmatch(unit) else 1 for unit in run) / A_WORD


def _units(run: str) -> list[str]:
    """Its characters, katakana words whole."""
    units: list[str] = []
    for part in _KATAKANA_OR_NOT.findall(run):
        units.extend([part] if _KATAKANA.fullmatch(part) else characters(part))
    return units
