"""Whatever is done in whatever order, the scripts and the in-process breaker agree."""

import itertools

import fakeredis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kaizen_worker.breaker.local import LocalBreaker
from kaizen_worker.breaker.permit import UNBOUND, Permit
from kaizen_worker.breaker.reply import PROBE, REJECTED, SECOND
from kaizen_worker.breaker.settings import Settings
from kaizen_worker.breaker.shared import SharedBreaker

HOUR = 3600
"""The unit of all spans here: so long that what the test itself takes does not matter."""

_NAMES = itertools.count()


class BreakerMachine(RuleBasedStateMachine):
    """One breaker twice: in Redis, its clock moved by moving what is stored; and in memory, with a clock of ours."""

    client = None
    shift = None

    permits = Bundle("permits")

    @initialize(
        threshold=st.integers(1, 4),
        needed=st.integers(1, 3),
        permitted=st.integers(1, 3),
        multiplier=st.sampled_from([1.0, 2.0]),
    )
    def begin(self, threshold, needed, permitted, multiplier):
        chosen = Settings(
            failure_threshold=threshold,
            success_threshold=needed,
            permitted_calls=permitted,
            multiplier=multiplier,
            recovery_timeout=3 * HOUR,
            lease_seconds=2 * HOUR,
            longest_recovery=10 * HOUR,
            jitter=0,
            failure_rate=0.5,
            slow_rate=0.75,
            minimum_calls=4,
            window_seconds=7 * HOUR,
        )
        self.permitted = permitted
        self.name = f"model/{next(_NAMES)}"
        self.now = HOUR * SECOND
        self.shared = SharedBreaker(self.name, chosen, redis=self.client)
        self.local = LocalBreaker(chosen, clock=lambda: self.now)
        self.admissions = 0
        self.state_of = {}
        self.generation = self.shared.admit("first").generation, self.local.look().generation
        self.latest = self.generation[0]

    def agree(self, here, there):
        same = ("code", "state", "failures", "opened", "successes", "leases", "entered")
        assert {field: getattr(here, field) for field in same} == {field: getattr(there, field) for field in same}
        assert here.retry_after / SECOND == pytest.approx(there.retry_after / SECOND, abs=HOUR / 4)
        assert here.is_open == there.is_open
        self.generation = there.generation, here.generation
        self.check(there)

    def check(self, reply):
        """What holds for any breaker, whatever its rules."""
        assert reply.leases <= self.permitted
        assert reply.generation >= self.latest
        assert reply.entered == (reply.generation > self.latest)
        assert self.state_of.setdefault(reply.generation, reply.state) == reply.state
        self.latest = reply.generation

    @rule(target=permits)
    def admit(self):
        self.admissions += 1
        token = f"t{self.admissions}"
        here, there = self.local.admit(token), self.shared.admit(token)
        self.agree(here, there)
        return None if here.code == REJECTED else (token, here.code == PROBE, here.generation, there.generation)

    @rule(permit=permits, outcome=st.sampled_from(["success", "failure", "ignore"]), floor=st.sampled_from([0, 5]))
    def report(self, permit, outcome, floor):
        if permit is None:
            return
        token, probe, here, there = permit
        self.agree(
            self.local.report(Permit(generation=here, token=token, probe=probe), outcome, floor=floor * HOUR),
            self.shared.report(Permit(generation=there, token=token, probe=probe), outcome, floor=floor * HOUR),
        )

    @rule(outcome=st.sampled_from(["success", "failure"]))
    def report_without_permit(self, outcome):
        self.agree(self.local.report(UNBOUND, outcome, floor=0), self.shared.report(UNBOUND, outcome, floor=0))

    @rule(ends=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=6), late=st.booleans())
    def count(self, ends, late):
        """Calls of this state, or of an earlier one, that the next admission tells of."""
        there, here = self.generation
        for failed, slow in ends:
            self.shared.tally.add(there - late, failed=failed, slow=slow)
            self.local.tally.add(here - late, failed=failed, slow=slow)

    @rule(hours=st.sampled_from([1, 2, 3, 10]))
    def pass_time(self, hours):
        self.now += hours * HOUR * SECOND
        type(self).shift(self.client, self.name, hours * HOUR)


def run(client, shift, *, examples, steps):
    machine = type("Machine", (BreakerMachine,), {"client": client, "shift": staticmethod(shift)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_scripts_agree_with_the_model_on_a_real_server(client, shift):
    run(client, shift, examples=300, steps=60)


def test_the_scripts_agree_with_the_model_while_the_servers_clock_moves(moved):
    run(moved.client(), lambda _client, _name, seconds: moved.advance(seconds), examples=300, steps=60)


def test_the_scripts_agree_with_the_model_on_a_fake(shift):
    run(fakeredis.FakeRedis(), shift, examples=100, steps=50)
