"""The known log: always the same talk of simulated users with a faulty assistant, and the documents that it lacks.

About fifty subjects of the help desk in natural words, with sessions, users, errors, slow answers and missing
knowledge, so that topics, insights, gaps and entries come out of it. Ids and times are fixed.
"""

from datetime import UTC, datetime, timedelta
from itertools import islice

from kaizen_api import Interaction
from kaizen_worker.helpdesk import load_subjects, load_turns
from kaizen_worker.simulate import MODELS, Found, Scenario, perform, place_faults, sessions

NUMBER = 5_600
"""Interactions of the log."""

SUBJECTS = 48

_START = datetime(2025, 3, 3, tzinfo=UTC)
_END = _START + timedelta(days=14)
_SESSIONS = 4_600
_MISSING_EVERY = 4


def tell() -> list[Interaction]:
    """The log by time: `NUMBER` interactions, each with an id of its own."""
    subjects = load_subjects()[:SUBJECTS]
    missing = [subject.id for subject in subjects[::_MISSING_EVERY]]
    known = [subject.id for subject in subjects if subject.id not in missing]
    scenario = Scenario(
        name="chaos",
        subjects=subjects,
        turns=load_turns(),
        start=_START,
        end=_END,
        sessions=_SESSIONS,
        seed=0,
        users=300,
        faults=place_faults(known, missing, MODELS, period=(_START, _END), seed=0),
    )
    about = {session.id: session.subject for session in sessions(scenario)}

    def look_up(_query, session_id):
        subject = about[session_id]
        other = Found("e-other", "antigravity", "Something else entirely, which answers nobody here at all.", 0.6)
        right = Found(f"e-{subject.id}", subject.answer[0], f"All about {subject.title}.", 0.5)
        return [other] if subject.id in missing else [right, other]

    log = [played.interaction for played in islice(perform(scenario, look_up), NUMBER)]
    assert len({one.id for one in log}) == NUMBER
    return log


def write_documents(folder):
    """What the assistant lacks, one file a subject, for the search of gaps."""
    folder.mkdir(parents=True)
    for subject in load_subjects()[:SUBJECTS:_MISSING_EVERY]:
        questions = "\n\n".join(f"{text} See {subject.answer[0]}." for text in (*subject.asked, *subject.again))
        (folder / f"{subject.id}.md").write_text(f"# {subject.title}\n\n{questions}\n")
