from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_api.schema import Record
from kaizen_worker.pipeline.membership import memberships
from kaizen_worker.pipeline.signals import read_responses
from kaizen_worker.pipeline.window import window
from kaizen_worker.types import Coded

turns = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 4), st.booleans()), max_size=40)
LABELS = np.array([0, 1, -1, 2, 1], np.int32)


@given(turns)
@settings(max_examples=200, deadline=None)
def test_a_turn_without_a_question_belongs_to_the_last_one_of_its_session(said):
    bare = window(
        [Record(id=f"{row:02d}", occurred_at=row, query="x") for row in range(len(said))], read=read_responses
    )
    sessions = np.array([session for session, _, _ in said], np.int32)
    seen = replace(
        bare,
        text=np.array([text for _, text, _ in said], np.int32),
        session=Coded(sessions, ("a", "b", "c", "d")),
    )
    follow_up = np.array([follows for _, _, follows in said], np.bool_)
    expected, current = [], {}
    for session, text, follows in said:
        if not follows:
            current[session] = LABELS[text]
        expected.append(LABELS[text] if not follows else -1 if session < 0 else current.get(session, -1))
    assert memberships(seen, follow_up, LABELS).tolist() == expected
