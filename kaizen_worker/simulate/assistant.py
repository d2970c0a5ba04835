"""The assistant: it quotes a suitable document if the look-up finds one, else it refuses, errs, or asks back."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import dropwhile
from random import Random
from typing import Literal

from kaizen_worker.helpdesk import Subject, Turns
from kaizen_worker.simulate.rates import Rates

MODELS = ("desk-small", "desk-large")
"""The models that serve, one a session."""

READ = 3
"""Found documents that the assistant reads, the best ones."""

Outcome = Literal["answered", "wrong", "refused", "asked_back", "error"]
"""What became of a question; all but "answered" are failures."""

_NAME = re.compile(r"\w+(?:\.\w+)*")
_BLANK_LINES = re.compile(r"\n\s*\n")
_MARKS = re.compile(r"^(?:```\w*|#+ )", re.MULTILINE)
_LABEL = re.compile(r"[\w.]+(?:\(.*\)(?:\s*->.*)?)?", re.DOTALL)  # a name, or a signature
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z'\"`(])")
_QUOTE_LEAST, _QUOTE_MOST = 60, 400


@dataclass(frozen=True, slots=True)
class Found:
    """One document that the look-up found."""

    id: str
    title: str
    text: str
    score: float


LookUp = Callable[[str, str], Sequence[Found]]
"""From a query and a session's id to what is known about it, in any order."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the assistant says to a question."""

    outcome: Outcome
    response: str | None
    entry_ids: tuple[str, ...] = ()


def answers(subject: Subject, title: str) -> bool:
    """Whether a document of this title answers the subject.

    The name that the title begins with counts, whole and with its case; anything may follow that can not continue a
    dotted name: "csv.writer" and "csv.writer — part 2" are the document csv.writer, "csv.writer.writerow" is another.
    """
    name = _NAME.match(title)
    return name is not None and name[0] in subject.answer


def reply(subject: Subject, found: Sequence[Found], turns: Turns, rates: Rates, chance: Random) -> Reply:
    """What the assistant makes of what it found."""
    best = nlargest(READ, found, key=lambda document: document.score)
    for document in best:
        if answers(subject, document.title):
            return Reply("answered", quote(document.text), (document.id,))
    draw = chance.random()
    if draw < rates.refusal or (draw < rates.refusal + rates.wrong and not best):
        return Reply("refused", chance.choice(turns.refusals))
    if draw < rates.refusal + rates.wrong:
        return Reply("wrong", quote(best[0].text), (best[0].id,))
    return Reply("asked_back", chance.choice(turns.clarifications))


def quote(text: str) -> str:
    """The first sentences of a document, 60 to 400 characters if it has them, after its headings and signature."""
    paragraphs = [_MARKS.sub("", paragraph).strip() for paragraph in _BLANK_LINES.split(text)]
    told = dropwhile(_LABEL.fullmatch, paragraphs)
    quoted = ""
    for sentence in _SENTENCE.split(" ".join(" ".join(told).split()) or " ".join(text.split())):
        quoted = f"{quoted} {sentence}".lstrip()
        if len(quoted) >= _QUOTE_LEAST:
            break
    return quoted[:_QUOTE_MOST]
