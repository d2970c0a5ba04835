"""Which entries disagree: what dedupe marked as disputed, and pairs that say the same but for a number or a negation.

Lexical, so it is exact about what it says and silent about contradictions in other words.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations

from kaizen_api.schema import Entry

ALIKE = 0.7
"""Share of the words of two texts that both have (Jaccard 1901), from which they are about the same statement."""

MOST = 200
"""Entries of one topic that are compared, the first ones by id: pairs grow with the square."""

NEGATIONS = frozenset(
    {"not", "no", "never", "none", "cannot", "cant", "dont", "doesnt", "isnt", "wasnt", "wont", "without", "nor"}
)

_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)*")


def contested(entries: Mapping[str, Entry]) -> frozenset[str]:
    """Ids of entries that are disputed, or that disagree with another of these."""
    found = {name for name, entry in entries.items() if "disputed" in entry.flags}
    said = {name: _said(entries[name].text) for name in sorted(entries)[:MOST]}
    for (one, (words, claims)), (other, (others, opposed)) in combinations(said.items(), 2):
        shared, either = len(words & others), len(words | others)
        if claims != opposed and either and shared >= ALIKE * either:
            found |= {one, other}
    return frozenset(found)


def _said(text: str) -> tuple[frozenset[str], frozenset[tuple[str, int]]]:
    """The words of a text but for numbers and negations, and how often it has each of these."""
    claims: defaultdict[str, int] = defaultdict(int)
    words = set()
    for word in _WORD.findall(text.casefold().replace("'", "").replace("\u2019", "")):
        if word[0].isdigit() or word in NEGATIONS:
            claims[word] += 1
        else:
            words.add(word)
    return frozenset(words), frozenset(claims.items())
