"""The help desk: what can be asked, what the assistant knows of it, and what is wrong with it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kaizen_worker.helpdesk import Subject, Turns, load_subjects, load_turns
from kaizen_worker.helpdesk.documents import MODULES, Document, documents, write_documents
from kaizen_worker.simulate import MODELS, Fault, Scenario, Split, place_faults, sessions, split

SESSIONS = (1500, 1300)
"""Conversations of the two rounds, without those that a burst adds."""


BUSY = 8
"""The subjects that are asked about most, of those that the assistant knows: among them faults are planted."""

LEAST_TEXT = 200
"""Characters of a document that is worth a place."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What is true.

    Attributes:
        documents: All there is; the folder that is searched holds them.
        split: What of it the assistant knows at first, and the subjects it cannot answer.
    """

    subjects: tuple[Subject, ...]
    turns: Turns
    documents: tuple[Document, ...]
    split: Split
    seed: int

    @classmethod
    def open(cls, folder: Path, *, seed: int) -> "Desk":
        """Write the documents into the folder and take half of them away from the assistant."""
        subjects = load_subjects()
        pages = tuple(_worth_reading(subjects))
        write_documents(folder, pages)
        return cls(subjects, load_turns(), pages, split(pages, subjects, seed=seed), seed)

    @property
    def known(self) -> list[Document]:
        """What the assistant has at first."""
        return [page for page in self.documents if page.title in self.split.known]

    def first(self, start: datetime, end: datetime) -> Scenario:
        """The first round: everything is asked about, and faults are planted."""
        missing = set(self.split.missing)
        quiet = self._round("first", start, end, sessions=SESSIONS[0])
        asked = Counter(session.subject.id for session in sessions(quiet) if session.subject.id not in missing)
        busy = [subject for subject, _ in asked.most_common(BUSY)]  # a fault that hardly anybody meets shows nowhere
        faults = place_faults(busy, self.split.missing, MODELS, period=(start, end), seed=self.seed)
        return self._round("first", start, end, sessions=SESSIONS[0], faults=faults)

    def second(self, start: datetime, end: datetime) -> Scenario:
        """The second round: the same subjects in words not used before, and no fault but what is still missing."""
        return self._round("again", start, end, sessions=SESSIONS[1])

    def _round(
        self, name: str, start: datetime, end: datetime, *, sessions: int, faults: Sequence[Fault] = ()
    ) -> Scenario:
        return Scenario(
            name=name,
            subjects=self.subjects,
            turns=self.turns,
            start=start,
            end=end,
            sessions=sessions,
            seed=self.seed,
            phrases="asked" if name == "first" else "again",
            faults=tuple(faults),
        )


def _worth_reading(subjects: Sequence[Subject]) -> Iterator[Document]:
    """The documents of the subjects' modules, without the one-liners that answer nothing."""
    answers = {name for subject in subjects for name in subject.answer}
    named = {subject.module for subject in subjects}
    modules = [module for module in MODULES if module in named or any(_is_in(name, module) for name in answers)]
    return (page for page in documents(modules) if len(page.text) >= LEAST_TEXT or page.title in answers)


def _is_in(name: str, module: str) -> bool:
    """Whether a dotted name lies in a module and in none of its submodules that are listed."""
    prefixes = [name[:end] for end, letter in enumerate(f"{name}.") if letter == "."]
    return module == max((prefix for prefix in prefixes if prefix in MODULES), key=len, default="")
