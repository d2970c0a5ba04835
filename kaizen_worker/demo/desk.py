"""The help desk: what can be asked, what the assistant knows of it, and what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kaizen_worker.helpdesk import Subject, Turns, load_subjects, load_turns
from kaizen_worker.helpdesk.documents import MODULES, Document, documents, write_documents
from kaizen_worker.simulate import MODELS, Fault, Scenario, Split, place_faults, split

SESSIONS = (1500, 1300)
"""Conversations of the two rounds, without those that a burst adds."""


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
        modules = _modules(subjects)
        write_documents(folder, modules=modules)
        pages = tuple(documents(modules))
        return cls(subjects, load_turns(), pages, split(pages, subjects, seed=seed), seed)

    @property
    def known(self) -> list[Document]:
        """What the assistant has at first."""
        return [page for page in self.documents if page.title in self.split.known]

    def first(self, start: datetime, end: datetime) -> Scenario:
        """The first round: everything is asked about, and faults are planted."""
        missing = set(self.split.missing)
        able = [subject.id for subject in self.subjects if subject.id not in missing]
        faults = place_faults(able, self.split.missing, MODELS, period=(start, end), seed=self.seed)
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


def _modules(subjects: Sequence[Subject]) -> list[str]:
    """The modules of the subjects with their submodules, and so also much that nobody asks about."""
    packages = {name.split(".", 1)[0] for subject in subjects for name in (subject.module, *subject.answer)}
    return [module for module in MODULES if module.split(".", 1)[0] in packages]
