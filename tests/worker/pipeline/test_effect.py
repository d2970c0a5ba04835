from collections import Counter

import numpy as np
import pytest

from kaizen_worker.pipeline.effect import MIN_CONVERSATIONS, Arm, arms, held_out, measure

REFUSED = "I don't know the answer to that."


def _measure(exposed, held):
    return measure(exposed, held, insight="i1", topic="t1", applied_at=0)


def _looks(rng, rates, *, share=0.2, conversations=1200, every=20):
    """The first verdict of someone who looks every few conversations, and how many it took; rates exposed, held."""
    out = rng.random(conversations) < share
    failed = (rng.random(conversations) < np.where(out, rates[1], rates[0])).astype(float)
    sums = [np.cumsum(column) for column in (~out, failed * ~out, out, failed * out)]
    for look in range(every, conversations, every):
        one, failures, other, held_failures = (float(column[look]) for column in sums)
        found = _measure(Arm(int(one), failures, failures), Arm(int(other), held_failures, held_failures))
        if found.verdict != "measuring":
            return found.verdict, look
    return "measuring", conversations


@pytest.mark.parametrize("rate", [0.05, 0.15, 0.4])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_peeking_finds_an_effect_where_there_is_none_in_at_most_one_case_of_twenty(rate, share):
    rng = np.random.default_rng(int(rate * 100 + share * 10))
    verdicts = Counter(_looks(rng, (rate, rate), share=share)[0] for _ in range(300))
    assert verdicts["confirmed"] + verdicts["harmful"] <= 0.05 * 300


def test_a_useful_change_is_confirmed_soon():
    rng = np.random.default_rng(0)
    found = [_looks(rng, (0.15, 0.45)) for _ in range(200)]
    assert np.mean([verdict == "confirmed" for verdict, _ in found]) > 0.98
    assert np.median([look for _, look in found]) <= 200


def test_harm_is_seen_and_not_taken_for_no_effect():
    rng = np.random.default_rng(0)
    verdicts = Counter(_looks(rng, (0.45, 0.15))[0] for _ in range(200))
    assert verdicts["harmful"] > 0.98 * 200


def test_a_change_that_does_nothing_is_called_that_in_the_end():
    rng = np.random.default_rng(0)
    verdicts = Counter(_looks(rng, (0.05, 0.05), share=0.5, conversations=3000, every=50)[0] for _ in range(100))
    assert verdicts["no_effect"] > 90


def test_the_interval_holds_the_truth_at_all_looks_together():
    missed = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        failed = np.cumsum(rng.random((2, 800)) < np.array([[0.2], [0.35]]), axis=1)
        for look in range(MIN_CONVERSATIONS, 800, 20):
            one, other = (float(column[look]) for column in failed)
            found = _measure(Arm(look + 1, one, one), Arm(look + 1, other, other)).difference
            if not found.low <= -0.15 <= found.high:
                missed += 1
                break
    assert missed <= 10


def test_p_value_and_interval_agree():
    for failures in range(10, 60, 5):
        found = _measure(Arm(150, failures, failures), Arm(100, 30.0, 30.0))
        assert (found.p_value <= 0.05) == (found.difference.high <= 0 or found.difference.low >= 0)
        assert found.difference.estimate == pytest.approx(failures / 150 - 0.3)


def test_small_arms_wait():
    found = _measure(Arm(500, 5.0, 5.0), Arm(MIN_CONVERSATIONS - 1, 19.0, 19.0))
    assert (found.verdict, found.p_value) == ("measuring", 1.0)
    assert _measure(Arm(), Arm()).verdict == "measuring"


def test_surer_failures_need_fewer_conversations():
    soft = _measure(Arm(200, 40.0, 8.2), Arm(60, 18.0, 5.5))  # probabilities near .2 and .3
    hard = _measure(Arm(200, 40.0, 40.0), Arm(60, 18.0, 18.0))
    assert soft.p_value < hard.p_value


def test_arms_add_up():
    assert Arm(1, 0.5, 0.25) + Arm(2, 1.0, 1.0) == Arm(3, 1.5, 1.25)


def test_the_hold_out_has_its_share_and_never_changes():
    sessions = [f"session-{number}" for number in range(20_000)]
    chosen = [held_out(session, "i1", 0.2) for session in sessions]
    assert np.mean(chosen) == pytest.approx(0.2, abs=0.01)
    assert chosen == [held_out(session, "i1", 0.2) for session in sessions]
    assert not any(held_out(session, "i1", 0.0) for session in sessions[:100])
    assert all(held_out(session, "i1", 1.0) for session in sessions[:100])
    # a look-up of one version and a measurement of the next one must agree
    assert [held_out(name, "i0123456789abcdef", 0.5) for name in "abcdefgh"] == [True] * 6 + [False, True]


def test_hold_outs_of_two_insights_are_independent():
    sessions = [f"session-{number}" for number in range(20_000)]
    both = [held_out(one, "i1", 0.2) and held_out(one, "i2", 0.2) for one in sessions]
    assert np.mean(both) == pytest.approx(0.04, abs=0.006)


def test_a_greater_share_keeps_who_was_held_out():
    sessions = [f"session-{number}" for number in range(2_000)]
    assert all(held_out(one, "i1", 0.3) for one in sessions if held_out(one, "i1", 0.1))


def _first_of_the_exposed(record):
    return not record.id.endswith("+") and not held_out(record.session, "i1", 0.3)


def test_arms_take_the_worst_question_of_each_conversation_after_the_change(world):
    asked_twice = world(1).follow("violin", "and which pegs for a luthier?")
    topic, change = "t-violin", 1_760_000_000_000_000 + 20 * 3_600_000_000
    sample = asked_twice.change("violin", response=REFUSED, where=_first_of_the_exposed).sample()
    exposed, held = arms(sample, insight="i1", topic=topic, applied_at=change, share=0.3)
    window = sample.window
    rows = np.flatnonzero((sample.topic == sample.topic_ids.index(topic)) & (window.occurred_at >= change))
    assert exposed.conversations + held.conversations == len(np.unique(window.session.codes[rows]))
    assert exposed.mean > 0.5 > held.mean
    worst = {}
    for row in rows:
        name = window.session.names[window.session.codes[row]]
        worst[name] = max(worst.get(name, 0.0), sample.signals.failure[row])
    assert held.failures == pytest.approx(sum(p for name, p in worst.items() if held_out(name, "i1", 0.3)))
    assert held.squares == pytest.approx(sum(p * p for name, p in worst.items() if held_out(name, "i1", 0.3)))


def test_without_sessions_or_topic_there_is_nothing_to_measure(world):
    sample = world(1).change(session=None).sample()
    assert arms(sample, insight="i1", topic="t-violin", applied_at=0, share=0.5) == (Arm(), Arm())
    assert arms(world(1).sample(), insight="i1", topic="t-none", applied_at=0, share=0.5) == (Arm(), Arm())
