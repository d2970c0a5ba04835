"""Every kind of fault once or more, each in a place of its own."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from kaizen_worker.simulate import MODELS, Fault, place_faults
from kaizen_worker.simulate.faults import SLOW_FACTORS

START = datetime(2025, 3, 3, tzinfo=UTC)
END = START + timedelta(days=20)
KNOWN, MISSING = [f"known{number}" for number in range(8)], ["missing0", "missing1"]


def placed(seed: int) -> tuple[Fault, ...]:
    return place_faults(KNOWN, MISSING, MODELS, period=(START, END), seed=seed)


@pytest.mark.parametrize("seed", range(5))
def test_kinds_and_places(seed: int) -> None:
    faults = placed(seed)
    assert Counter(f.kind for f in faults) == {"slow": 2, "errors": 2, "burst": 1, "low_level": 1, "missing": 2}
    subjects = [fault.subject for fault in faults if fault.subject]
    assert len(set(subjects)) == len(subjects)
    assert {fault.subject for fault in faults if fault.kind == "missing"} == set(MISSING)
    assert {fault.subject for fault in faults if fault.kind in {"slow", "errors", "burst"}} < set(KNOWN)
    assert {fault.kind for fault in faults if fault.model} == {"errors", "low_level"}
    assert {fault.model for fault in faults if fault.model} <= set(MODELS)


def test_sizes_and_onsets() -> None:
    slow, slower, *_ = (fault for fault in placed(0) if fault.kind == "slow")
    assert SLOW_FACTORS[0] <= min(slow.size, slower.size) < max(slow.size, slower.size) <= SLOW_FACTORS[1]
    onsets = {fault.kind: fault.onset for fault in placed(0)}
    assert onsets.pop("burst") == START + timedelta(days=17)
    assert set(onsets.values()) == {START}


def test_the_seed_decides_and_the_order_of_ids_does_not() -> None:
    assert placed(0) != placed(1)
    assert place_faults(KNOWN[::-1], MISSING, MODELS, period=(START, END), seed=0) == placed(0)


def test_too_few_known_subjects_are_refused() -> None:
    with pytest.raises(ValueError, match=r"[Ss]ample"):
        place_faults(KNOWN[:4], MISSING, MODELS, period=(START, END), seed=0)


def test_a_fault_hits_its_place_from_its_onset_on() -> None:
    fault = Fault(kind="errors", size=0.5, onset=START, subject="a", model="m")
    assert fault.hits(subject="a", model="m", at=START)
    assert not fault.hits(subject="b", model="m", at=START)
    assert not fault.hits(subject="a", model="n", at=START)
    assert not fault.hits(subject="a", model="m", at=START - timedelta(microseconds=1))
    assert Fault(kind="low_level", size=0.5, onset=START).hits(subject="b", model="n", at=END)
