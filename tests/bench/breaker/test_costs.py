"""What a call costs under a breaker, beside the peers and a bare EVALSHA, in one run, in turns.

    KAIZEN_BREAKERS_PYTHON=... python -m pytest -q -s tests/bench/breaker/test_costs.py

One process of each make calls a function that does nothing, or raises. Round trips are the reads of the server. "Raw"
is redis-py's `evalsha` of a script that returns 1. Of the times the ratios count; nothing is asserted about them, for
the machine may be busy. Round trips are asserted: at most one closed, two with a failure, none while known to be open.
"""

import statistics

import pytest

MAKES = ("ours", "raw", "peer_pybreaker", "peer_purgatory", "peer_nopanic", "peer_interlock")
ROUNDS, CALLS = 60, 50
FORM = "{:<12}" + "{:>20}" * len(MAKES)
AIMS = {
    "closed": (("raw", 1.3), ("peer_pybreaker", 0.7)),
    "failure": (("peer_pybreaker", 1.3),),
    "open": (("peer_pybreaker", 0.1),),
}


def closed(field):
    options = {"threshold": 1_000_000, "recovery": 3600}
    return field.name(options), options, False


def failing(field):
    options = {"threshold": 1_000_000, "recovery": 3600}
    return field.name(options), options, True


def opened(field):
    options = {"threshold": 3, "recovery": 3600}
    name = field.name(options)
    field.crowd[0].ask("call", name, options, fail=True, times=4)
    return name, options, False


@pytest.mark.timeout(1800)
def test_costs(fields):
    made = fields(*MAKES, crowd=1)
    print("\nmedian µs of a call (round trips)\n" + FORM.format("", *(make.removeprefix("peer_") for make in MAKES)))
    trips = {}
    for state, begin in {"closed": closed, "failure": failing, "open": opened}.items():
        began = {make: begin(field) for make, field in made.items()}
        times = {make: [] for make in MAKES}
        for _ in range(ROUNDS):
            for make, field in made.items():
                times[make] += timed(field, *began[make])
        trips[state] = {make: round_trips(field, *began[make]) for make, field in made.items()}
        medians = {make: statistics.median(all_of) for make, all_of in times.items()}
        shown = (f"{medians[make] * 1e6:.1f} ({trips[state][make]:.2f})" for make in MAKES)
        print(FORM.format(state, *shown))
        for other, aim in AIMS[state]:
            print(f"  ours / {other.removeprefix('peer_')}: {medians['ours'] / medians[other]:.3f} (aim {aim})")
    assert trips["open"]["ours"] < 0.05
    assert trips["closed"]["ours"] <= 1.05
    assert trips["failure"]["ours"] <= 2.05


def timed(field, name, options, fail):
    return field.crowd[0].ask("time", name, options, fail=fail, times=CALLS)


def round_trips(field, name, options, fail):
    """Reads of the server for each call."""

    def reads():
        return field.client.info("stats")["total_reads_processed"]

    start = reads()
    field.crowd[0].ask("time", name, options, fail=fail, times=500)
    return (reads() - start - 1) / 500
