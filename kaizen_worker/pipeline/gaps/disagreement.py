"""Which entries disagree: pairs that say otherwise of the same thing, and those that were marked so when one came in.

Pairs are in nearly the same words but for a number, a negation or the opposite of a word, or they answer the same
question in other words. Lexical, so it is exact about what it says, and silent about contradictions of other kinds.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from kaizen_api.knowledge import Hit
from kaizen_api.schema import Entry

Told = Entry | Hit
"""What says something: an entry, or what a search shows of one."""

ALIKE = 0.7
"""Share of the words of two texts that both have (Jaccard 1901), from which they are about the same statement."""

OTHERWISE = 0.4
"""That share of two answers to the same question, under which they are different answers."""

MOST = 200
"""Entries of one topic that are compared, the first ones by id: pairs grow with the square."""

NEGATIONS = frozenset(
    {"not", "no", "never", "none", "cannot", "cant", "dont", "doesnt", "isnt", "wasnt", "wont", "without", "nor"}
)

OPPOSITES = frozenset(
    frozenset(pair)
    for pair in re.findall(
        r"(\w+)/(\w+)",
        """
        above/below after/before all/some allow/forbid allowed/forbidden always/sometimes automatic/manual
        automatically/manually backward/forward big/small cheap/expensive closed/open decrease/increase
        decreased/increased decreases/increases disable/enable disabled/enabled down/up earlier/later earliest/latest
        early/late east/west eastern/western end/start exclude/include excluded/included excludes/includes
        external/internal fast/slow fewer/more few/many first/last free/paid high/low higher/lower highest/lowest
        inside/outside large/small larger/smaller largest/smallest least/most left/right less/more long/short
        longer/shorter major/minor mandatory/optional maximum/minimum new/old newer/older north/south
        northern/southern off/on optional/required permitted/prohibited possible/impossible private/public
        safe/unsafe same/different strong/weak true/false valid/invalid
    """,
    )
)
"""Pairs of words of which one text has the one, and the other the other."""

_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class _Said:
    """What a text says."""

    words: frozenset[str]  # but for numbers and negations
    numbers: frozenset[str]
    negations: frozenset[tuple[str, int]]  # how often it has each
    question: frozenset[str]  # words of the question that it answers, if it begins with one
    answer: frozenset[str]  # words of what follows

    def disagrees(self, other: "_Said") -> bool:
        if _alike(self.words, other.words) >= ALIKE:
            figures = self.numbers - other.numbers and other.numbers - self.numbers  # one left out is no contradiction
            return bool(figures) or self.negations != other.negations or _opposed(self.words, other.words)
        same = self.question and other.question and _alike(self.question, other.question) >= ALIKE
        return bool(same) and _alike(self.answer, other.answer) < OTHERWISE


def disagree(one: Told, other: Told) -> bool:
    """Whether they say otherwise of the same thing."""
    return bool(opposed(one, [other]))


def opposed(one: Told, others: Sequence[Told]) -> list[str]:
    """Ids of the others that say otherwise of the same thing, in their order."""
    said = _said(one)
    return [other.id for other in others if said.disagrees(_said(other))]


def contested(entries: Mapping[str, Entry]) -> frozenset[str]:
    """Ids of entries that disagree with another of these, or were marked so with one of them when it came in."""
    here = {entry.id for entry in entries.values()}
    found = {name for name, entry in entries.items() if not here.isdisjoint(entry.disputes)}
    said = {name: _said(entries[name]) for name in sorted(entries)[:MOST]}
    for (one, its), (other, others) in combinations(said.items(), 2):
        if its.disagrees(others):
            found |= {one, other}
    return frozenset(found)


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(len(one | other), 1)


def _opposed(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether one text has a word where the other has its opposite."""
    own, others = one - other, other - one
    return any(len(pair & own) == 1 and len(pair & others) == 1 for pair in OPPOSITES)


def _said(entry: Told) -> _Said:
    words = _words(entry.text)
    question, mark, answer = entry.text.partition("?")
    if not mark and entry.title.rstrip().endswith("?"):
        question, mark, answer = entry.title, "?", entry.text
    known = mark and answer.strip()
    return _Said(
        frozenset(word for word in words if not word[0].isdigit() and word not in NEGATIONS),
        frozenset(word for word in words if word[0].isdigit()),
        frozenset(Counter(word for word in words if word in NEGATIONS).items()),
        frozenset(_words(question)) if known else frozenset(),
        frozenset(_words(answer)) if known else frozenset(),
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold().replace("'", "").replace("\u2019", ""))
