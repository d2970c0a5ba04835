"""The language of a topic, as far as names need it: which words to leave out, and which inflections are one word."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

import snowballstemmer

from kaizen_worker.pipeline.naming.stop_words import GLUE, STOP_WORDS

_PARTICLE = re.compile("(?<=..)(?:에서|으로|까지|부터|에게|한테|이나|은|는|이|가|을|를|에|의|로|와|과|도|만)$")
"""What Korean hangs on a noun, if two syllables are left."""

_HANGUL = re.compile("[가-힣]")

LONGEST_WORD = 64
"""Characters beyond which a word is no word of any language, and stays as it is."""

LEAST = 0.1
"""Share of stop words from which a language counts as known."""


@dataclass(frozen=True, slots=True)
class Language:
    """What is known of a language; of an unknown one nothing, then words that all topics have count little anyway."""

    stop_words: frozenset[str]
    glue: frozenset[str]  # those of them that may stand inside a phrase; none: any, but one only
    stem: Callable[[str], str]  # of a word without case
    meant: bool = False  # whether vectors say what its phrases mean: measured in English alone
    telling: frozenset[str] = frozenset()  # stop words of it that are none here


def detect(words: Iterable[str]) -> Language:
    """The language with the most stop words among the words; English where ASCII letters leave it open.

    What is mostly in Hangul is Korean.
    """
    seen = list(words)
    if 2 * sum(_HANGUL.match(word) is not None for word in seen) > len(seen):
        return _known("korean")
    hits = {name: sum(word in stops for word in seen) for name, stops in STOP_WORDS.items()}
    best = max(hits, key=lambda name: hits[name])  # English is the first
    if hits[best] >= LEAST * len(seen) and hits[best]:
        return _known(best)
    return _known("english") if all(word.isascii() for word in seen) else Language(frozenset(), frozenset(), str)


@cache
def _known(name: str) -> Language:
    if name == "korean":
        return Language(STOP_WORDS[name], frozenset(), lambda word: _PARTICLE.sub("", word))
    stemmer = snowballstemmer.stemmer(name)

    @lru_cache(maxsize=1 << 16)
    def stem(word: str) -> str:
        return word if len(word) > LONGEST_WORD else str(stemmer.stemWord(word))

    return Language(STOP_WORDS[name], GLUE.get(name, frozenset()), stem, meant=name == "english")
