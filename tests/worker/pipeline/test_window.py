import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_api.schema import Record
from kaizen_worker.pipeline import window as windows
from kaizen_worker.pipeline.signals import read_responses
from kaizen_worker.pipeline.window import window

NAMED = ("session", "user", "error", "model", "tool")
NUMBERS = ("response_time", "feedback", "level", "accepted")


@pytest.fixture
def pieces(monkeypatch):
    """So many records at a time."""
    return lambda size: monkeypatch.setattr(windows, "PIECE", size)


def record(number, *, at=None, **fields):
    return Record(id=f"i{number}", occurred_at=number if at is None else at, query=f"what is {number % 7}?", **fields)


def log(count):
    """Some of all that a record can have, and few times for many."""
    draw = np.random.default_rng(count)
    return [
        record(
            number,
            at=int(draw.integers(0, count // 3 + 1)),
            session=f"s{draw.integers(9)}" if draw.random() < 0.7 else None,
            user=f"u{draw.integers(9)}" if draw.random() < 0.5 else None,
            response=str(draw.choice(["", "I don't know.", "Which one do you mean?", f"It is {number}."])),
            response_time=float(draw.random()) if draw.random() < 0.5 else None,
            error="timeout" if draw.random() < 0.1 else None,
            feedback=-1.0 if draw.random() < 0.1 else None,
            level=float(draw.random()),
            critics={f"critic{draw.integers(5)}": float(draw.random())} if draw.random() < 0.2 else None,
            accepted=bool(draw.random() < 0.5) if draw.random() < 0.5 else None,
            entry_ids=[f"e{draw.integers(4)}" for _ in range(draw.integers(3))],
            model=f"m{draw.integers(2)}",
            tool=None,
        )
        for number in range(count)
    ]


def told(seen):
    """Everything that a window says, as rows."""
    columns = {
        "id": list(seen.ids),
        "at": seen.occurred_at.tolist(),
        "text": [seen.texts[code] for code in seen.text],
        "entries": list(seen.entry_ids),
    }
    for name in NAMED:
        column = getattr(seen, name)
        assert list(column.names) == sorted({column.names[code] for code in column.codes if code >= 0})
        columns[name] = [column.names[code] if code >= 0 else None for code in column.codes]
    numbers = {name: getattr(seen, name) for name in NUMBERS} | dict(seen.critics) | dict(seen.answers)
    for name, values in numbers.items():
        columns[name] = [None if np.isnan(value) else float(value) for value in values]
    return columns


def expected(records):
    """The same by hand: by time and id, each id once, the last that was read."""
    rows = sorted({one.id: one for one in records}.values(), key=lambda one: (one.occurred_at, one.id))
    read = read_responses([one.response for one in rows])
    columns = {
        "id": [one.id for one in rows],
        "at": [one.occurred_at for one in rows],
        "text": [one.query for one in rows],
        "entries": [tuple(one.entry_ids or ()) for one in rows],
    }
    for name in (*NAMED, *NUMBERS):
        columns[name] = [getattr(one, name) for one in rows]
    for name in {name for one in rows for name in one.critics or ()}:
        columns[name] = [(one.critics or {}).get(name) for one in rows]
    return columns | {name: flags.astype(float).tolist() for name, flags in read.items()}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_columns_are_those_of_the_records_by_time_and_id(pieces, size):
    pieces(size)
    records = log(200)
    seen = window(iter(records), read=read_responses)
    assert told(seen) == expected(records)
    assert list(seen.texts) == sorted(set(seen.texts))
    assert seen.vectors.shape == (len(seen.texts), 0)
    assert seen.left_out == 0
    assert seen.answers["given"].sum() not in {0, len(seen)}


def test_of_records_with_one_id_the_last_counts(pieces):
    pieces(2)
    records = [record(1, at=5, user="a"), record(2), record(1, at=1, user="b"), record(3)]
    seen = window(records, read=read_responses)
    assert list(seen.ids) == ["i1", "i2", "i3"]
    assert seen.user.names == ("b",)
    assert seen.occurred_at.tolist() == [1, 2, 3]


def test_an_empty_log_is_an_empty_window():
    seen = window([], read=read_responses)
    assert len(seen) == len(seen.texts) == 0
    assert told(seen) == expected([])


@given(st.randoms(), st.sampled_from([1, 40, 119, 120, 121, 500]), st.sampled_from([1, 3, 50, 1000]))
@settings(max_examples=40, deadline=None)
def test_the_newest_are_the_same_in_any_order_and_pieces(random, most, size):
    records = log(120)
    newest = told(window(records, read=read_responses))["id"][-most:]
    kept = expected([one for one in records if one.id in newest])
    random.shuffle(records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "PIECE", size)
        seen = window(records, read=read_responses, most=most)
    assert told(seen) == kept
    assert seen.left_out == max(0, 120 - most)


def test_what_is_too_old_is_let_go_while_reading():
    held = []
    pile = windows._Pile(read_responses, most=100)
    for start in range(0, 5000, 10):
        pile.add([Record(id=f"i{n}", occurred_at=n, query=f"q{n}") for n in range(start, start + 10)])
        held.append(len(pile._codes["query"]))
    assert max(held) <= 100 + 100 // windows.SPARE
    assert pile.window().left_out == 4900


@pytest.mark.parametrize("most", [0, 300])
def test_of_more_critics_than_are_looked_at_the_most_scored_stay(pieces, monkeypatch, most):
    monkeypatch.setattr(windows, "CRITICS", 3)
    pieces(50)
    records = [
        record(number, critics={"always": 0.5, f"often {number % 4}": 0.1, f"once {number}": 1.0})
        for number in range(400)
    ]
    seen = window(records[::-1], read=read_responses, most=most)
    assert list(seen.critics) == ["always", "often 0", "often 1"]
    assert np.isfinite(seen.critics["always"]).all()
    expected = np.array([0.1 if int(one.removeprefix("i")) % 4 == 1 else np.nan for one in seen.ids])
    np.testing.assert_array_equal(seen.critics["often 1"], expected)
