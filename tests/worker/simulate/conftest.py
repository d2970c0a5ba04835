"""The demo's size with a look-up that knows half of the subjects."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from kaizen_worker.helpdesk import Subject, load_subjects, load_turns
from kaizen_worker.simulate import MODELS, Found, LookUp, Played, Scenario, perform, place_faults, sessions

START = datetime(2025, 3, 3, tzinfo=UTC)
END = START + timedelta(days=14)


@pytest.fixture(scope="session")
def subjects() -> tuple[Subject, ...]:
    return load_subjects()


@pytest.fixture(scope="session")
def missing(subjects: tuple[Subject, ...]) -> tuple[str, ...]:
    return tuple(subject.id for subject in subjects[::2])


@pytest.fixture(scope="session")
def scenario(subjects: tuple[Subject, ...], missing: tuple[str, ...]) -> Scenario:
    known = [subject.id for subject in subjects if subject.id not in missing]
    return Scenario(
        name="round-1",
        subjects=subjects,
        turns=load_turns(),
        start=START,
        end=END,
        sessions=1700,
        seed=0,
        faults=place_faults(known, missing, MODELS, period=(START, END), seed=0),
    )


@pytest.fixture(scope="session")
def library() -> Callable[[Scenario, tuple[str, ...]], LookUp]:
    """A maker of look-ups that find the right document second, unless the subject is one of the missing."""

    def made(scenario: Scenario, missing: tuple[str, ...]) -> LookUp:
        about = {session.id: session.subject for session in sessions(scenario)}

        def look_up(query: str, session_id: str) -> list[Found]:
            assert query
            subject = about[session_id]
            other = Found("e-other", "antigravity", "Something else entirely, which answers nobody here at all.", 0.6)
            right = Found(f"e-{subject.id}", subject.answer[0], f"All about {subject.title}.", 0.5)
            return [other] if subject.id in missing else [right, other]

        return look_up

    return made


@pytest.fixture(scope="session")
def played(scenario: Scenario, missing: tuple[str, ...], library) -> list[Played]:
    return list(perform(scenario, library(scenario, missing)))
