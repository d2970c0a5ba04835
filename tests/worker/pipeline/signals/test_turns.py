import numpy as np

from kaizen_api.schema import Record
from kaizen_worker.pipeline.signals.turns import PAUSE, turns

MINUTE = 60_000_000


def _record(name, minute, **columns):
    return Record(id=name, occurred_at=minute * MINUTE, query=f"what about {name}", **columns)


def _by_id(window, rows):
    return {window.ids[row]: window.ids[other] if other >= 0 else None for row, other in enumerate(rows)}


def test_a_session_is_one_conversation_and_a_long_pause_ends_it(build):
    window = build([_record("a", 0, session="s"), _record("b", 5, session="s"), _record("c", 5 + 31, session="s")])
    found = turns(window)
    everything = np.ones(3, np.bool_)
    assert _by_id(window, found.preceding(everything)) == {"a": None, "b": "a", "c": None}
    assert found.last().tolist() == [False, True, True]
    assert PAUSE == 30 * MINUTE


def test_the_user_stands_in_where_there_is_no_session(build):
    window = build([_record("a", 0, user="u"), _record("b", 1, user="v"), _record("c", 2, user="u"), _record("d", 3)])
    found = turns(window)
    assert _by_id(window, found.preceding(np.ones(4, np.bool_))) == {"a": None, "b": None, "c": "a", "d": None}
    assert found.threaded.tolist() == [True, True, True, False]


def test_preceding_and_pairs_skip_what_is_not_wanted(build):
    window = build([_record(name, minute, session="s") for minute, name in enumerate("abcd")])
    wanted = np.array([True, False, True, True])
    found = turns(window)
    assert _by_id(window, found.preceding(wanted)) == {"a": None, "b": "a", "c": "a", "d": "c"}
    early, late = found.pairs(wanted, lag=1)
    assert [(window.ids[a], window.ids[b]) for a, b in zip(early, late, strict=True)] == [("a", "c"), ("c", "d")]
    early, late = found.pairs(wanted, lag=2)
    assert [(window.ids[a], window.ids[b]) for a, b in zip(early, late, strict=True)] == [("a", "d")]


def test_an_empty_window_has_no_conversations(build):
    found = turns(build([]))
    assert found.last().tolist() == []
    assert found.preceding(np.zeros(0, np.bool_)).tolist() == []
