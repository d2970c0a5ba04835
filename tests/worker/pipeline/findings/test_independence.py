import numpy as np
import pytest

from kaizen_api.schema import Record
from kaizen_worker.pipeline.findings.independence import MIN_UNITS, design_effect, needed_people, units


def test_independent_rows_have_no_design_effect():
    rng = np.random.default_rng(0)
    effects = [design_effect(rng.random(300), rng.permutation(300).astype(np.int32)) for _ in range(20)]
    assert effects == pytest.approx([1.0] * 20, abs=0.02)


def test_copies_of_each_observation_count_once():
    rng = np.random.default_rng(0)
    values, unit = np.repeat(rng.random(200), 5), np.repeat(np.arange(200, dtype=np.int32), 5)
    assert design_effect(values, unit) == pytest.approx(5.0, rel=0.05)


def test_one_user_is_one_witness():
    assert design_effect(np.array([0.0, 1.0] * 10), np.zeros(20, np.int32)) == 20.0
    assert design_effect(np.ones(20), np.zeros(20, np.int32)) == 1.0


def test_units_are_people_or_the_next_finer_thing_there_is(build):
    def codes(**columns):
        rows = [
            Record(id=f"r{row:02d}", occurred_at=row, query="q", **{name: of(row) for name, of in columns.items()})
            for row in range(24)
        ]
        return len(np.unique(units(build(rows))))

    assert codes(user=lambda row: f"u{row % 12}", session=lambda row: f"s{row}") == 12
    assert codes(user=lambda row: f"u{row % (MIN_UNITS - 1)}", session=lambda row: f"s{row // 2}") == 12
    assert codes(user=lambda _: "me", session=lambda _: "here") == 24
    assert codes() == 24


def test_a_statement_needs_five_people_or_half_of_them():
    assert [needed_people(np.arange(count)) for count in (1, 2, 6, 100)] == [1, 1, 3, 5]
