"""Whether a passage says in all but the same words what an entry says already; by words alone, so always the same.

What differs in a number, a negation or the opposite of a word is no repetition: it is kept, and told as contradictory.
"""

import re

from kaizen_api.schema import Entry
from kaizen_worker.pipeline.gaps.disagreement import Told, disagree

SAME = 0.7
"""Share of the runs of three words of two texts that both have (Broder 1997, resemblance) from which they are the same:
one sentence in six may be another one."""

_RUN = 3
_WORD = re.compile(r"[^\W_]+")


def likeness(one: str, other: str) -> float:
    """Resemblance of two texts, 0..1, whatever their case, spaces and punctuation; a short text is one run."""
    own, others = _runs(one), _runs(other)
    return len(own & others) / max(len(own | others), 1)


def repeats(new: Entry, known: Told) -> bool:
    """Whether the new entry tells nothing that the known one does not; the same page in another version does tell."""
    if new.provenance.url is not None and new.provenance.url == known.provenance.url:
        return False
    if likeness(new.text, known.text) < SAME or _numbers(new.text) != _numbers(known.text):
        return False
    return not disagree(known, new)


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return frozenset(
        tuple(words[start : start + _RUN]) for start in range(max(len(words) - _RUN + 1, min(len(words), 1)))
    )


def _numbers(text: str) -> frozenset[str]:
    return frozenset(word for word in _WORD.findall(text) if any(sign.isdigit() for sign in word))
