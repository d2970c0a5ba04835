"""What a shared breaker can get wrong, beside pybreaker, purgatory, nopanic-redis and interlock-cb, in one run.

    KAIZEN_BREAKERS_PYTHON=... python -m pytest -q -s tests/bench/breaker/test_table.py

Eight processes of each make, a threshold of 3 failures, one probe at a time, one second of recovery. Each row says what
was seen, and whether that is right; all rows have to be right for ours.
"""

import time

import pytest

MAKES = ("ours", "peer_pybreaker", "peer_purgatory", "peer_nopanic", "peer_interlock")
MANY = 10
"""Tries after which something is taken to come never."""

FORM = "{:<44}" + "{:>15}" * len(MAKES)


def open_it(field, name, options=None):
    """By three failures of one process: not every make counts those of several."""
    field.crowd[0].ask("call", name, options, fail=True, times=3)


def recovered(field):
    """A breaker that was open, whose next call is a probe."""
    name = field.name()
    open_it(field, name)
    field.recover()
    return name


def eight_hundred_failures(field):
    options = {"threshold": 800, "recovery": 30}
    early, exact = field.name(options), field.name(options)
    field.all("call", early, options, fail=True, times=99)
    field.crowd[0].ask("call", early, options, fail=True, times=7)
    field.all("call", exact, options, fail=True, times=100)
    field.recover()
    opens = [not field.crowd[1].ask("call", name, options, fail=False) for name in (early, exact)]
    return ("early" if opens[0] else "yes" if opens[1] else "never"), opens == [False, True]


def failures_until_it_reopens(field):
    name = recovered(field)
    field.crowd[0].ask("call", name, fail=False)
    field.recover()
    for count in range(MANY):
        if not field.crowd[count % 8].ask("call", name, fail=True):
            return count, count == 3
    return MANY, False


def probes_at_once(field):
    running = sum(field.all("begin", recovered(field)))
    return running, running == 1


def successes_to_close(field):
    """After how many a single failure does not open it again."""
    options = {"successes": 3}
    names = [field.name(options) for _ in range(MANY)]
    for name in names:
        open_it(field, name, options)
    field.recover()
    for count, name in enumerate(names, start=1):
        for n in range(count):
            field.crowd[n % 8].ask("call", name, options, fail=False)
    time.sleep(0.3)
    for count, name in enumerate(names, start=1):
        field.crowd[7].ask("call", name, options, fail=True)
        if field.crowd[6].ask("call", name, options, fail=False):
            return count, count == 3
    return MANY, False


def late_failures(field):
    options = {"recovery": 3}
    name = field.name(options)
    for caller in field.crowd[:3]:
        assert caller.ask("begin", name, options)
    field.crowd[3].ask("call", name, options, fail=True, times=3)
    field.recover(4.3)
    field.crowd[6].ask("call", name, options, fail=False)
    field.recover(1.3)
    for caller in field.crowd[:3]:
        caller.ask("end", name, options, fail=True)
    field.recover(1.3)
    fine = field.crowd[7].ask("call", name, options, fail=False)
    return ("ok" if fine else "reopens"), bool(fine)


def killed_prober(field):
    name = recovered(field)
    prober = field.start()
    prober.ask("ready", name)
    field.recover()
    assert prober.ask("begin", name) or field.make == "peer_interlock"
    prober.kill()
    at_once = sum(field.all("begin", name))
    if at_once > 1:
        return f"{at_once} probes", False
    field.recover()
    later = 0 if at_once else sum(field.all("begin", name))
    return ("stuck" if not at_once + later else "next probe"), (at_once, later) == (0, 1)


def frozen(field):
    """Of six calls the first, and the longest of the others."""
    name = field.name()
    caller = field.crowd[0]
    caller.ask("call", name, fail=False)
    field.freeze()
    first, *others = caller.ask("time", name, fail=False, times=6)
    field.thaw()
    field.recover()
    return f"{first * 1e3:.0f}, {max(others) * 1e3:.0f} ms", max(others) < 0.05


def wrong_clocks(field):
    """An opening by a host whose clock is a minute off, and one by a host whose is not, as the other sees it."""
    seen = []
    for off in (-60, 60):
        field.clock.set(off)
        wrong = field.start(field.clock.environment)
        for opener, asker in ((wrong, field.crowd[0]), (field.crowd[0], wrong)):
            options = {"recovery": 3}
            name = field.name(options)
            wrong.ask("ready", name, options)
            opener.ask("call", name, options, fail=True, times=3)
            time.sleep(1.3)
            seen.append(not asker.ask("call", name, options, fail=False))
            time.sleep(3)
            seen.append(bool(asker.ask("call", name, options, fail=False)))
    return ("right" if all(seen) else "wrong"), all(seen)


def new_process(field):
    options = {"recovery": 60}
    name = field.name(options)
    open_it(field, name, options)
    time.sleep(1.3)
    ran = field.start().ask("call", name, {**options, "polls": False}, fail=False)
    return ("runs one" if ran else "rejects"), not ran


ROWS = {
    "800 failures at once, threshold 800: opens": eight_hundred_failures,
    "failures after recovery until it reopens (3)": failures_until_it_reopens,
    "probes at once, 8 contenders (1)": probes_at_once,
    "successes to close (3)": successes_to_close,
    "3 late failures of an old state": late_failures,
    "kill -9 of the prober": killed_prober,
    "Redis frozen: first call, the longest after it": frozen,
    "hosts' clocks 60 s off": wrong_clocks,
    "a new process while it is open": new_process,
}


@pytest.mark.timeout(1800)
def test_what_a_shared_breaker_can_get_wrong(fields, make_clock):
    print("\n" + FORM.format("", *(make.removeprefix("peer_") for make in MAKES)))
    made = fields(*MAKES)
    for field in made.values():
        field.clock = make_clock()
    wrong = []
    for title, row in ROWS.items():
        answers = {make: row(field) for make, field in made.items()}
        print(FORM.format(title, *(f"{shown}{'' if right else ' ✗'}" for shown, right in answers.values())), flush=True)
        if not answers["ours"][1]:
            wrong.append(title)
    assert not wrong
