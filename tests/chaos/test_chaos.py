"""Chaos: whatever is killed, frozen, cut or filled while a log is pushed, nothing accepted is lost or counts twice.

Each seed prints what it did and can be played again (`pytest tests/chaos --chaos-seeds 3`): kinds, times, victims and
lengths of the faults are drawn from it; what the machine makes of the same moment is its own.
"""

import pytest
import story
from run import Run

_WEDGED = 30.0


@pytest.mark.timeout(1200)
def test_everything_counts_once_and_comes_to_the_same(seed, calm, totals, tmp_path):
    played = Run(tmp_path, seed=seed).play()
    totals.add(played)
    outcome = played.outcome
    different = outcome.differs(calm.outcome)
    kinds = dict(sorted(played.faults.items()))
    print(
        f"\nseed {seed}: {played.accepted} accepted, {played.faults.total()} faults {kinds}, "
        f"lost {len(outcome.lost)}, counted twice {len(outcome.twice)}, "
        f"recovered in {' and '.join(map(str, played.recovered))}, "
        f"identical {f'no: {different}' if different else 'yes'}, "
        f"analyses {' and '.join(f'{seconds:.1f}' for seconds in played.analyses)} s, {played.seconds:.0f} s in all"
    )
    assert not played.wrong
    assert played.accepted == story.NUMBER
    assert not outcome.lost
    assert not outcome.twice
    assert not different
    assert max(recovery.answered for recovery in played.recovered) < _WEDGED
    assert outcome.found["dead letters"] == outcome.found["waiting"] == outcome.found["pending"] == 0


def test_the_log_gives_something_to_compare(calm):
    found = calm.outcome.found
    print(
        f"\nwithout faults: {calm.accepted} accepted, {len(found['topics'])} topics, "
        f"{len(found['insights'])} insights, {len(found['gaps'])} gaps, {len(found['entries'])} entries, "
        f"{calm.seconds:.0f} s"
    )
    assert not calm.wrong
    assert calm.accepted == story.NUMBER
    assert not calm.outcome.lost
    assert all(found[part] for part in ("topics", "insights", "gaps", "entries"))
