"""What is planted shows in what is said, and the judge takes it for true; other places for false."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kaizen_api.schema import Insight, Interval
from kaizen_worker.helpdesk import Subject, load_turns
from kaizen_worker.simulate import Fault
from kaizen_worker.simulate.judgement import Judge
from kaizen_worker.simulate.planted_log import draw
from kaizen_worker.simulate.planting import DAYS, KINDS, TOOLS, Planted, Planting, mixed, plant

START = datetime(2025, 3, 3, tzinfo=UTC)
MIDDLE = START + timedelta(days=DAYS / 2)
WORDS = ("apples", "barrels", "candles", "dishes", "engines", "flags", "gloves", "hats", "inks", "jars")
FORMS = ("what is the price of {}?", "compare {} and lamps", "send me some {}", "write a note on {}", "my {} lie here")


@pytest.fixture(scope="module")
def clean() -> Planting:
    asked = [tuple(f"{form.format(word)} {name}" for form in FORMS for word in WORDS) for name in "abcdefghijkl"]
    subjects = [Subject(texts[0][-1] * 3, "", "", (texts[0][-1] * 3,), texts, ()) for texts in asked]
    return plant(subjects, load_turns(), start=START, seed=0, interactions=6000, faults=0)


def played(clean: Planting, **fault):
    """A log of one fault in the subject bbb: its kind, the log, and the records of the subject."""
    kind = next(kind for kind in KINDS if kind.kind == fault["kind"])
    one = Planted(kind, Fault(**{"subject": "bbb", "onset": START, **fault}), strong=True)
    log = draw(replace(clean, planted=(one,), scenario=replace(clean.scenario, faults=(one.fault,))))
    return one, log, [record for record in log.records if log.subject[record.id] == one.fault.subject]


def late(records, since=MIDDLE):
    return [record for record in records if record.occurred_at >= since.timestamp() * 1e6]


def test_errors_with_one_tool_are_of_that_tool(clean):
    one, log, own = played(clean, kind="errors", size=0.9, tool="search", error="quota")
    errors = Counter(record.tool for record in own if record.error == "quota")
    assert set(errors) == {"search"}
    assert errors["search"] == pytest.approx(0.9 * log.touched[one], rel=0.2)
    assert {record.tool for record in log.records} == {*TOOLS, None}


def test_a_fault_is_over_when_it_is(clean):
    _, _, own = played(clean, kind="errors", size=1.0, until=MIDDLE, error="quota")
    assert all(record.error != "quota" for record in late(own))
    asked = [record for record in own if record.tool and record not in late(own)]
    assert {record.error for record in asked} == {"quota"}


def test_growth_rises_to_the_end_and_what_is_late_was_not_there(clean):
    _, _, usual = played(clean, kind="slow", size=1.0)
    _, _, grown = played(clean, kind="growth", size=9.0)
    assert len(grown) / len(usual) == pytest.approx(5, rel=0.2)
    assert len(late(grown)) > 2 * (len(grown) - len(late(grown)))
    _, _, born = played(clean, kind="late", size=1.0, onset=MIDDLE)
    assert late(born) == born


def test_what_is_unclear_is_asked_back_and_what_does_not_help_is_rejected(clean):
    turns = load_turns()
    _, _, own = played(clean, kind="unclear", size=0.9)
    back = [record.response in turns.clarifications for record in own if record.tool and not record.error]
    assert sum(back) / len(back) == pytest.approx(0.9, abs=0.08)
    _, _, own = played(clean, kind="unhelpful", size=1.0)
    assert sum(record.query in turns.negations for record in own) > 0.2 * len(own)


def test_what_is_mixed_has_no_kind_of_most():
    texts = tuple(f"what is {word}?" for word in WORDS)
    assert mixed(texts) == ()
    assert len(mixed((*texts, *(form.format(word) for form in FORMS[1:] for word in WORDS)))) == 50


def said(kind, *, evidence=(), **subject):
    none = Interval(estimate=0, low=0, high=0, unit="share")
    return Insight(
        id="i",
        type=kind,
        description="",
        confidence=0.9,
        effect=none,
        evidence=list(evidence),
        recommendation="",
        subject=subject,
        topic=subject.get("topic"),
    )


def test_the_judge_wants_the_very_place(clean):
    one, log, own = played(clean, kind="errors", size=0.9, model="desk-small", error="quota")
    here = [record.id for record in own][:20]
    elsewhere = [record.id for record in log.records if log.subject[record.id] == "ccc"][:20]
    judge = Judge(log)
    pair = said("error_pattern", evidence=here, topic="t1", model="desk-small", error="quota")
    assert judge.true(pair)
    assert judge.found([pair], one)
    for wrong in (
        said("error_pattern", evidence=here, topic="t1", error="quota"),
        said("error_pattern", evidence=elsewhere, topic="t1", model="desk-small", error="quota"),
        said("error_pattern", evidence=here, topic="t1", model="desk-small", error="timeout"),
        said("reliability", evidence=here, topic="t1"),
        said("reliability", evidence=here),
        said("performance", evidence=here, topic="t1"),
    ):
        assert not judge.true(wrong)
    asked_again = said("effectiveness", evidence=here, topic="t1")
    assert judge.true(asked_again)
    assert not judge.found([asked_again], one)


@pytest.mark.parametrize(("here", "true"), [(9, False), (10, True), (11, True)])
def test_a_topic_of_two_subjects_is_about_what_half_of_the_evidence_is_about(clean, here, true):
    _, log, own = played(clean, kind="slow", size=3.0)
    spread = {log.subject[record.id]: record.id for record in log.records if log.subject[record.id] != "bbb"}
    evidence = [record.id for record in own][:here] + [*spread.values(), *spread.values()][: 20 - here]
    assert Judge(log).true(said("performance", evidence=evidence, topic="t1")) is true


def test_a_finding_without_evidence_is_about_nothing(clean):
    _, log, _ = played(clean, kind="slow", size=3.0)
    assert not Judge(log).true(said("performance", topic="t1"))
