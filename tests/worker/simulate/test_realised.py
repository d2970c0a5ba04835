"""The stated rates and the placed faults, measured in what was played."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from math import log, sqrt
from random import Random
from statistics import mean, median, stdev

import pytest

from kaizen_worker.simulate import MODELS, Fault, Played, Rates, Scenario, perform
from kaizen_worker.simulate.users import pause


def questions(played: Iterable[Played]) -> list[Played]:
    return [turn for turn in played if turn.kind == "question"]


def pairs(played: list[Played]) -> Iterator[tuple[Played, str | None, int]]:
    """Each turn with the kind of the next of its session, and how many questions were asked so far."""
    by_session: dict[str, list[Played]] = {}
    for turn in played:
        by_session.setdefault(turn.session.id, []).append(turn)
    for turns in by_session.values():
        asked = 0
        for turn, after in pairwise([*turns, None]):
            asked += turn.kind == "question"
            yield turn, after and after.kind, asked


def near(hits: Iterable[bool], rate: float) -> None:
    """Within four standard errors, of enough observations to say so."""
    seen = list(hits)
    assert len(seen) >= 100
    assert sum(seen) / len(seen) == pytest.approx(rate, abs=4 * sqrt(rate * (1 - rate) / len(seen)))


def healthy(played: list[Played], scenario: Scenario) -> list[Played]:
    """Questions that no fault touches but the missing documents."""
    bad = {fault.subject for fault in scenario.faults if fault.kind in {"slow", "errors"}}
    low = {fault.model for fault in scenario.faults if fault.kind == "low_level"}
    return [turn for turn in questions(played) if turn.session.subject.id not in bad and turn.session.model not in low]


def test_outcomes_where_nothing_suitable_was_found(played: list[Played], scenario: Scenario, missing) -> None:
    unsuited = [turn.outcome for turn in questions(played) if turn.session.subject.id in missing]
    unsuited = [outcome for outcome in unsuited if outcome != "error"]
    rates = scenario.rates
    near((outcome == "refused" for outcome in unsuited), rates.refusal)
    near((outcome == "wrong" for outcome in unsuited), rates.wrong)
    near((outcome == "asked_back" for outcome in unsuited), 1 - rates.refusal - rates.wrong)


def test_what_users_say_next(played: list[Played], scenario: Scenario) -> None:
    rates, steps = scenario.rates, list(pairs(played))
    good = [after for turn, after, _ in steps if turn.outcome == "answered"]
    wrong = [after for turn, after, _ in steps if turn.outcome == "wrong"]
    none = [after for turn, after, _ in steps if turn.outcome in {"refused", "asked_back", "error"}]
    near((after == "negation" for after in good), rates.negation_after_good)
    near((after == "thanks" for after in good), rates.thanks_after_good)
    near((after == "question" for after in good), rates.rephrase_after_good)
    near((after == "negation" for after in wrong), rates.negation_after_wrong)
    near((after == "negation" for after in none), rates.negation_after_none)
    failed = [
        after for turn, after, asked in steps if turn.outcome not in {None, "answered"} and asked < rates.most_questions
    ]
    near((after == "question" for after in failed), rates.rephrase_after_failure)
    denied = [after for turn, after, asked in steps if turn.kind == "negation" and asked < rates.most_questions]
    near((after == "question" for after in denied), rates.rephrase_after_negation)


def test_how_users_rate(played: list[Played], scenario: Scenario) -> None:
    rates = scenario.rates
    said = [(turn.outcome == "answered", turn.interaction.feedback) for turn in questions(played)]
    near((given is not None for good, given in said if good), rates.feedback_after_good)
    near((given is not None for good, given in said if not good), rates.feedback_after_failure)
    rated = [(good, given) for good, given in said if given is not None]
    assert set(rated) == {(True, 1.0), (True, -1.0), (False, -1.0), (False, 1.0)}
    near((good != (given > 0) for good, given in rated), rates.feedback_mistaken)


def test_latency_and_pauses_are_lognormal(played: list[Played], scenario: Scenario) -> None:
    rates = scenario.rates
    served = [turn.interaction.response_time for turn in healthy(played, scenario) if turn.outcome != "error"]
    assert median(served) == pytest.approx(rates.latency_median, rel=0.08)
    assert stdev(map(log, served)) == pytest.approx(rates.latency_sigma, rel=0.08)
    times = [turn.interaction.occurred_at for turn in played]
    waits = [
        (after - before).total_seconds()
        for session in {turn.session.id for turn in played}
        for before, after in pairwise(t for t, turn in zip(times, played, strict=True) if turn.session.id == session)
    ]
    assert median(waits) == pytest.approx(rates.pause_median, rel=0.1)


def test_no_pause_is_longer_than_the_longest() -> None:
    rates = Rates(pause_median=600.0, pause_most=900.0)
    drawn = [pause(rates, Random(seed)) for seed in range(100)]
    assert max(drawn) == rates.pause_most
    assert min(drawn) < 300


def test_the_level_and_one_critic_tell_the_outcome_the_other_nothing(played: list[Played], scenario: Scenario) -> None:
    rates = scenario.rates
    judged = [turn for turn in healthy(played, scenario) if turn.outcome != "error"]
    for good, level, grounded in (
        (True, rates.level_good, rates.groundedness_good),
        (False, rates.level_bad, rates.groundedness_bad),
    ):
        said = [turn.interaction for turn in judged if (turn.outcome == "answered") == good]
        assert mean(each.consciousness_level for each in said) == pytest.approx(level, abs=0.03)
        assert mean(each.critics["groundedness"] for each in said) == pytest.approx(grounded, abs=0.03)
        assert mean(each.critics["politeness"] for each in said) == pytest.approx(rates.politeness, abs=0.02)


def test_slow_subjects_are_slower_by_their_factor(played: list[Played], scenario: Scenario) -> None:
    slow = {fault.subject: fault.size for fault in scenario.faults if fault.kind == "slow"}
    assert len(slow) == 2
    for subject, factor in slow.items():
        there = [turn for turn in questions(played) if turn.session.subject.id == subject]
        times = [turn.interaction.response_time for turn in there if turn.outcome != "error"]
        assert len(times) >= 15
        assert median(times) / scenario.rates.latency_median == pytest.approx(factor, rel=0.3)


def test_errors_cluster_where_the_fault_is(played: list[Played], scenario: Scenario) -> None:
    places = {(fault.subject, fault.model): fault.size for fault in scenario.faults if fault.kind == "errors"}
    elsewhere = []
    seen: dict[tuple[str, str], list[str | None]] = {place: [] for place in places}
    for turn in questions(played):
        place = (turn.session.subject.id, turn.session.model)
        seen.get(place, elsewhere).append(turn.interaction.error)
    near((error is not None for error in elsewhere), scenario.rates.error)
    assert {error for error in elsewhere if error} == {"timeout", "rate_limit"}
    for place, errors in seen.items():
        assert len(errors) >= 7
        assert errors.count("timeout") / len(errors) == pytest.approx(places[place], abs=0.3)


def test_one_model_has_a_low_level(played: list[Played], scenario: Scenario) -> None:
    (low,) = (fault for fault in scenario.faults if fault.kind == "low_level")
    means = {
        model: mean(
            turn.interaction.consciousness_level
            for turn in questions(played)
            if turn.session.model == model and turn.outcome != "error"
        )
        for model in MODELS
    }
    (other,) = set(MODELS) - {low.model}
    assert means[low.model] < 0.4 < means[other]
    assert means[other] - means[low.model] == pytest.approx(low.size, abs=0.05)


def test_a_fault_begins_at_its_onset(scenario: Scenario) -> None:
    middle = scenario.start + (scenario.end - scenario.start) / 2
    place = {"onset": middle, "subject": scenario.subjects[0].id}
    late = (
        Fault(kind="errors", size=1.0, onset=middle, model=MODELS[1]),
        Fault(kind="slow", size=1000.0, **place),
        Fault(kind="low_level", size=1.0, onset=middle, model=MODELS[0]),
    )
    calm = replace(scenario, faults=late, rates=Rates(error=0.0))
    asked = questions(perform(calm, lambda _query, _session: []))
    halves = {False: [], True: []}
    for turn in asked:
        halves[turn.interaction.occurred_at >= middle].append(turn)
    for begun, turns in halves.items():
        second = [turn for turn in turns if turn.session.model == MODELS[1]]
        first = [turn.interaction for turn in turns if turn.session.model == MODELS[0]]
        assert {turn.interaction.error for turn in second} == {"timeout" if begun else None}
        assert {each.error for each in first} == {None}
        level = mean(each.consciousness_level for each in first)
        assert level == pytest.approx(0.0 if begun else calm.rates.level_bad, abs=0.05)
        slow = {turn.session.subject.id for turn in turns if (turn.interaction.response_time or 0) > 50}
        assert slow == ({scenario.subjects[0].id} if begun else set())
