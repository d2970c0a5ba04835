import numpy as np

from kaizen_worker.pipeline.findings.subgroups import search, tables

ROWS = 6000


def _columns(seed=0):
    rng = np.random.default_rng(seed)
    columns = {
        "topic": rng.integers(-1, 8, ROWS).astype(np.int32),
        "tool": rng.integers(-1, 4, ROWS).astype(np.int32),
        "model": rng.integers(0, 3, ROWS).astype(np.int32),
    }
    return rng, columns, np.arange(ROWS, dtype=np.int32)


def _keys(columns, event, unit):
    """What is found beyond what chance makes of the hundred groups."""
    return [dict(found.key) for found in search(tables(columns), event, unit) if found.p_value < 1e-3]


def test_tables_count_every_group_that_has_the_rows():
    columns = {
        "a": np.array([0] * 30 + [1] * 30 + [-1] * 5, np.int32),
        "b": np.array(([0] * 25 + [1] * 5) * 2 + [0] * 5, np.int32),
    }
    found = tables(columns)
    assert [table.names for table in found] == [("a",), ("b",), ("a", "b")]
    assert [table.seen.tolist() for table in found] == [[30, 30], [55], [25, 25]]
    assert found[2].codes.tolist() == [[0, 0], [1, 0]]
    event = np.arange(65) % 2 == 0
    assert found[2].hits(event).tolist() == [13, 13]


def test_a_single_cause_is_named_alone():
    rng, columns, unit = _columns()
    event = rng.random(ROWS) < np.where(columns["tool"] == 2, 0.2, 0.02)
    assert _keys(columns, event, unit) == [{"tool": 2}]


def test_a_cause_of_two_is_named_with_both():
    rng, columns, unit = _columns(1)
    event = rng.random(ROWS) < np.where((columns["topic"] == 3) & (columns["model"] == 1), 0.5, 0.02)
    assert _keys(columns, event, unit) == [{"topic": 3, "model": 1}]


def test_two_causes_are_both_named():
    rng, columns, unit = _columns(2)
    event = rng.random(ROWS) < np.where(columns["topic"] == 3, 0.3, np.where(columns["tool"] == 0, 0.15, 0.02))
    assert {"topic": 3} in (found := _keys(columns, event, unit))
    assert {"tool": 0} in found


def test_what_covers_the_same_rows_is_said_once():
    rng, columns, unit = _columns(3)
    columns["tool"] = np.where(columns["topic"] == 3, 3, columns["tool"] % 3).astype(np.int32)
    event = rng.random(ROWS) < np.where(columns["topic"] == 3, 0.3, 0.02)
    assert _keys(columns, event, unit) == [{"topic": 3}]


def test_random_events_cluster_about_as_often_as_promised():
    spoken = looked = 0
    for seed in range(30):
        rng, columns, unit = _columns(seed + 100)
        crossed = tables(columns)
        spoken += sum(found.p_value <= 0.01 for found in search(crossed, rng.random(ROWS) < 0.03, unit))
        looked += sum(len(table.seen) for table in crossed)
    assert spoken <= 0.01 * looked


def test_one_user_does_not_make_a_cluster():
    rng, columns, unit = _columns(4)
    event = rng.random(ROWS) < 0.02
    stuck = np.flatnonzero(columns["tool"] == 2)[:100]
    event[stuck], unit[stuck] = True, 9_999
    assert _keys(columns, event, unit) == []


def test_turns_without_a_tool_do_not_make_the_others_worse():
    rng, columns, unit = _columns(5)
    columns["tool"] = np.where(rng.random(ROWS) < 0.5, -1, columns["tool"]).astype(np.int32)
    event = (columns["tool"] >= 0) & (rng.random(ROWS) < np.where(columns["topic"] == 3, 0.5, 0.02))
    assert _keys(columns, event, unit) == [{"topic": 3}]


def test_a_group_is_not_taken_for_the_time_it_was_asked_at():
    rng, columns, unit = _columns(6)
    when = np.sort(rng.integers(0, 24, ROWS)).astype(np.int32)
    columns["topic"] = np.where((when == 12) & (rng.random(ROWS) < 0.5), 3, columns["topic"]).astype(np.int32)
    event = rng.random(ROWS) < np.where(when == 12, 0.5, 0.02)
    assert {"topic": 3} in _keys(columns, event, unit)
    assert not [one for one in search(tables(columns), event, unit, when=when) if one.p_value < 1e-3]
