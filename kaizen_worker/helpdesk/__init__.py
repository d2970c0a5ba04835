"""A help desk for Python programmers: what the simulated users of the demo ask, and what they say around it.

The questions are files beside this one; the answers are the docstrings of the interpreter's own standard library,
which `documents` writes out. Each subject names the things whose docstrings answer it, so that whether an answer
was right is known and not guessed. Nothing here draws lots or reads the clock: two loads are equal.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TypeVar

import msgspec

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing people ask about.

    `module` and `answer` are dotted names one can import; each of `answer` is the title of a document. `asked` are
    the phrasings before an answer is known, `again` others in other words, to ask once more after the fix: no
    phrasing is in both, nor in two subjects.
    """

    id: str
    title: str
    module: str
    answer: tuple[str, ...]
    asked: tuple[str, ...]
    again: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turns:
    """What is said around a question: `negations` and `thanks` by the user, the others by the assistant."""

    negations: tuple[str, ...]
    refusals: tuple[str, ...]
    thanks: tuple[str, ...]
    clarifications: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Questions:
    subjects: tuple[Subject, ...]


def load_subjects() -> tuple[Subject, ...]:
    """Return every subject, by file name and then in the order of the file."""
    folder = resources.files(__name__).joinpath("questions")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(subject for name in names for subject in _read(f"questions/{name}", _Questions).subjects)


def load_turns() -> Turns:
    """Return the phrases that stand around a question."""
    return _read("turns.toml", Turns)


def _read(path: str, kind: type[_T]) -> _T:
    """Return a file of this package as the dataclass; msgspec's error names the field that does not fit."""
    text = resources.files(__name__).joinpath(path).read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), kind)
