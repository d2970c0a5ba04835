"""Hosts fail: a worker's is cut off and comes back, another dies, the master's dies and a replica takes its place.

With `KAIZEN_WAIT_REPLICAS=1` nothing that was accepted is lost or counted twice, and all comes to the same as in a run
without faults. What it costs is printed: how long nothing was accepted, and how long nothing was committed.
"""

import pytest
import story
from plays import play


@pytest.mark.timeout(900)
def test_what_was_accepted_counts_once_whichever_host_fails(undisturbed, tmp_path):
    played = play(tmp_path, disturbed=True)
    different = played.outcome.differs(undisturbed.outcome)
    for fault, (accepting, committing) in played.costs.items():
        print(f"\n{fault}: nothing accepted for {accepting:.1f} s, nothing committed for {committing:.1f} s", end="")
    print(
        f"\nhosts: {played.accepted} accepted, lost {len(played.outcome.lost)}, counted twice "
        f"{len(played.outcome.twice)}, {played.held} held by the worker that died, "
        f"identical {f'no: {different}' if different else 'yes'}"
    )
    assert undisturbed.accepted == played.accepted == story.NUMBER
    assert len(played.costs) == 4
    assert not played.outcome.lost
    assert not played.outcome.twice
    assert not different
    assert all(undisturbed.outcome.found[part] for part in ("topics", "insights", "gaps", "entries"))
    assert 'kaizen_interactions_total{outcome="ok"}' in played.scraped
