"""What the assistant knows and what it lacks: half of the subjects miss all their documents, and half of all are known.

The same documents, subjects and seed give the same halves, in any order and any process.
"""

import hashlib
from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

from kaizen_worker.helpdesk import Subject
from kaizen_worker.helpdesk.documents import Document


class Split(NamedTuple):
    """The titles the assistant knows, and the ids of the subjects that it can not answer, sorted."""

    known: frozenset[str]
    missing: tuple[str, ...]


def split(documents: Iterable[Document], subjects: Sequence[Subject], *, seed: int) -> Split:
    """Take half of the subjects away with all that answers them, and fill up with other documents to half.

    Subjects that share a document go together, directly or through others; so a few may be missing less than half, if
    the groups do not fit. What answers no subject is in or out by the hash of its title.

    Raises:
        ValueError: a subject's answer is not among the documents.
    """
    titles = {document.title for document in documents}
    answers = {name for subject in subjects for name in subject.answer}
    if unknown := answers - titles:
        raise ValueError(f"no such documents: {', '.join(sorted(unknown))}")
    missing = _missing(subjects, seed)
    known = {name for subject in subjects if subject.id not in missing for name in subject.answer}
    others = sorted(titles - answers, key=lambda title: _hash(title, seed))
    known.update(others[: max(len(titles) // 2 - len(known), 0)])
    return Split(frozenset(known), tuple(sorted(missing)))


def _missing(subjects: Sequence[Subject], seed: int) -> set[str]:
    """Whole groups, drawn until half of the subjects are in."""
    groups = _groups(subjects)
    Random(f"{seed}/halves").shuffle(groups)
    missing: set[str] = set()
    for group in groups:
        if len(missing) + len(group) <= len(subjects) // 2:
            missing.update(group)
    return missing


def _groups(subjects: Sequence[Subject]) -> list[list[str]]:
    """Ids of subjects that share documents, sorted."""
    groups: list[tuple[set[str], set[str]]] = []
    for subject in subjects:
        ids, names = {subject.id}, set(subject.answer)
        for group in [group for group in groups if group[1] & names]:
            groups.remove(group)
            ids |= group[0]
            names |= group[1]
        groups.append((ids, names))
    return sorted(sorted(ids) for ids, _ in groups)


def _hash(title: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}/{title}".encode(), digest_size=16).digest()
