"""The talk: order, look-ups, ids, follow-ups, and the same again for the same seed."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby, islice, pairwise

import msgspec
import pytest

from kaizen_api.intake import Intake
from kaizen_worker.simulate import Found, LookUp, Played, Rates, Scenario, perform

Library = Callable[[Scenario, tuple[str, ...]], LookUp]


def nothing(query: str, session_id: str) -> list[Found]:
    assert query
    assert session_id
    return []


def sequences(played: list[Played]) -> list[list[Played]]:
    """The turns of each session."""
    ordered = sorted(played, key=lambda turn: (turn.session.id, turn.interaction.occurred_at))
    return [list(turns) for _, turns in groupby(ordered, key=lambda turn: turn.session.id)]


def test_the_same_seed_gives_the_same_bits(scenario: Scenario, missing: tuple[str, ...], library: Library) -> None:
    def talk(seen: Scenario) -> bytes:
        return msgspec.json.encode([turn.interaction for turn in perform(seen, library(seen, missing))])

    one, two = talk(scenario), talk(scenario)
    assert one == two
    assert talk(replace(scenario, seed=scenario.seed + 1)) != one


def test_the_demo_has_its_size_and_takes_under_a_second(scenario: Scenario, played: list[Played]) -> None:
    assert 2300 <= len(played) <= 3000
    began = time.process_time()
    assert len(list(perform(scenario, nothing))) > 2000
    assert time.process_time() - began < 1.0


def test_turns_come_by_time_within_the_period(scenario: Scenario, played: list[Played]) -> None:
    times = [turn.interaction.occurred_at for turn in played]
    assert times == sorted(times)
    assert scenario.start <= times[0]
    assert times[-1] < scenario.end


def test_nothing_is_said_after_the_end(scenario: Scenario) -> None:
    eager = Rates(rephrase_after_failure=1.0, negation_after_none=0.0, pause_median=600.0)
    cut = replace(scenario, end=scenario.start + (scenario.end - scenario.start) / 1000, sessions=50, rates=eager)
    turns = list(perform(cut, nothing))
    assert 50 < len(turns) < 150
    assert max(turn.interaction.occurred_at for turn in turns) < cut.end


def test_every_question_is_looked_up_once_at_its_turn(scenario: Scenario) -> None:
    calls: list[tuple[str, str]] = []

    def counting(query: str, session_id: str) -> list[Found]:
        calls.append((query, session_id))
        return []

    asked = []
    for turn in islice(perform(scenario, counting), 400):
        if turn.kind == "question":
            asked.append((turn.interaction.query, turn.interaction.session_id))
        assert calls == asked
    assert 200 < len(asked) < 400


def test_ids_and_people_are_the_sessions(played: list[Played]) -> None:
    assert len({turn.interaction.id for turn in played}) == len(played)
    for turns in sequences(played):
        for number, turn in enumerate(turns, 1):
            said = turn.interaction
            assert said.id == f"{turn.session.id}-{number}"
            assert (said.session_id, said.user_id, said.model) == (
                turn.session.id,
                turn.session.user_id,
                turn.session.model,
            )


def test_a_session_is_a_dialogue(scenario: Scenario, played: list[Played]) -> None:
    lengths = Counter()
    for turns in sequences(played):
        kinds = [turn.kind for turn in turns]
        questions = [turn.interaction.query for turn in turns if turn.kind == "question"]
        assert kinds[0] == "question"
        assert questions == list(turns[0].session.questions[: len(questions)])
        assert "thanks" not in kinds[:-1]
        assert all(
            turn.outcome == "answered" for turn, after in zip(turns, kinds[1:], strict=False) if after == "thanks"
        )
        assert all(pair != ("negation", "negation") for pair in pairwise(kinds))
        gaps = [(b.interaction.occurred_at - a.interaction.occurred_at).total_seconds() for a, b in pairwise(turns)]
        assert all(0 < gap <= scenario.rates.pause_most for gap in gaps)
        lengths[len(questions)] += 1
    assert set(lengths) == {1, 2, 3}


def test_what_a_turn_carries_follows_from_its_outcome(scenario: Scenario, played: list[Played], missing) -> None:
    turns = scenario.turns
    for turn in played:
        said, outcome = turn.interaction, turn.outcome
        assert (outcome is None) == (turn.kind != "question") == (said.tool is None)
        assert (
            (outcome == "error") == (said.error is not None) == (said.response is None) == (said.response_time is None)
        )
        if outcome is None:
            assert said.query in (turns.thanks if turn.kind == "thanks" else turns.negations)
            assert (said.critics, said.consciousness_level, said.feedback, said.entry_ids) == (None, None, None, None)
        elif outcome == "answered":
            assert turn.session.subject.id not in missing
            assert said.entry_ids == [f"e-{turn.session.subject.id}"]
        elif outcome == "wrong":
            assert said.entry_ids == ["e-other"]
            assert said.response.startswith("Something else entirely")
        else:
            assert said.entry_ids is None
        assert outcome != "refused" or said.response in turns.refusals
        assert outcome != "asked_back" or said.response in turns.clarifications
    assert {turn.outcome for turn in played if turn.session.subject.id in missing} == {
        None, "error", "wrong", "refused", "asked_back",
    }  # fmt: skip


def test_every_interaction_is_taken_in_and_carries_no_truth(played: list[Played]) -> None:
    intake = Intake(b"secret")
    for turn in played:
        said = turn.interaction
        record = intake.record(said, now=said.occurred_at.timestamp())
        assert (record.id, record.session, record.response_time) == (said.id, said.session_id, said.response_time)
        assert said.metadata is None
        truth = {turn.session.subject.id, turn.kind, turn.outcome or turn.kind}
        named = (said.id, said.session_id, said.user_id, said.model, said.tool)
        assert truth.isdisjoint(named)


def conditions(turns: list[Played]) -> dict[str, tuple[object, ...]]:
    """What no answer may change, of first questions."""
    first = [turn.interaction for turn in turns if turn.interaction.id.endswith("-1")]
    return {
        said.session_id: (
            said.occurred_at,
            said.query,
            said.error,
            said.response_time,
            (said.critics or {}).get("politeness"),
        )
        for said in first
    }


def test_knowing_more_changes_what_follows_and_nothing_else(scenario: Scenario, missing, library: Library) -> None:
    less, more = (list(perform(scenario, library(scenario, lacking))) for lacking in (missing, ()))
    assert conditions(less) == conditions(more)
    before = {turn.interaction.id: turn.interaction for turn in less if turn.session.subject.id not in missing}
    after = {turn.interaction.id: turn.interaction for turn in more if turn.session.subject.id not in missing}
    assert before == after
    failed = [sum(turn.outcome not in {None, "answered"} for turn in turns) for turns in (less, more)]
    assert failed[0] > 8 * failed[1]


@pytest.mark.parametrize("name", ["a", "b"])
def test_rounds_have_ids_of_their_own(scenario: Scenario, name: str) -> None:
    first = next(perform(replace(scenario, name=name), nothing))
    assert first.interaction.id == f"{name}-00001-1"
