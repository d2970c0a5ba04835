"""Who asks what and when: counts, people, times and words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from kaizen_worker.helpdesk import Subject
from kaizen_worker.simulate import MODELS, Fault, Rates, Scenario, Session, sessions


@pytest.fixture(scope="module")
def planned(scenario: Scenario) -> tuple[Session, ...]:
    return sessions(scenario)


@pytest.fixture(scope="module")
def calm(scenario: Scenario) -> Scenario:
    return replace(scenario, faults=())


def counted(planned: Iterable[Session]) -> Counter[str]:
    return Counter(session.subject.id for session in planned)


@pytest.mark.parametrize("wanted", [1, 50, 800, 1700])
def test_there_are_exactly_as_many_as_wanted(calm: Scenario, wanted: int) -> None:
    assert len(sessions(replace(calm, sessions=wanted))) == wanted


def test_every_subject_is_asked_enough_by_enough(scenario: Scenario, planned: tuple[Session, ...]) -> None:
    counts = counted(planned)
    people = {(session.subject.id, session.user_id) for session in planned if session.user_id}
    users = Counter(subject for subject, _ in people)
    assert set(counts) == {subject.id for subject in scenario.subjects}
    assert min(counts.values()) >= 15
    assert min(users[subject] for subject in counts) >= 8


def test_distinct_users_do_not_depend_on_luck(calm: Scenario) -> None:
    crowd = sessions(replace(calm, users=9, rates=Rates(user_zipf=6.0)))
    users = Counter(subject for subject, _ in {(s.subject.id, s.user_id) for s in crowd if s.user_id})
    assert min(users.values()) >= 8


def test_popularity_and_activity_are_uneven_and_stay_in_the_next_round(calm: Scenario) -> None:
    first, second = sessions(calm), sessions(replace(calm, name="round-2", sessions=800))
    top = counted(first).most_common(3)
    assert top[0][1] >= 5 * min(counted(first).values())
    assert [subject for subject, _ in counted(second).most_common(3)] == [subject for subject, _ in top]
    active = Counter(session.user_id for session in first if session.user_id)
    assert max(active.values()) > 5 * sum(active.values()) / len(active)


def test_rounds_of_one_size_differ(calm: Scenario) -> None:
    first, second = sessions(calm), sessions(replace(calm, name="round-2"))
    assert counted(first) == counted(second)
    assert {(s.at, s.questions) for s in first}.isdisjoint((s.at, s.questions) for s in second)


def test_ids_follow_time_within_the_period(scenario: Scenario, planned: tuple[Session, ...]) -> None:
    assert [session.id for session in planned[:2]] == ["round-1-00001", "round-1-00002"]
    assert [session.id for session in planned] == sorted({session.id for session in planned})
    times = [session.at for session in planned]
    assert times == sorted(times)
    assert scenario.start <= times[0]
    assert times[-1] < scenario.end
    quarters = Counter((at - scenario.start) // ((scenario.end - scenario.start) / 4) for at in times)
    assert all(350 < quarters[quarter] < 530 for quarter in range(4))


def test_stated_shares(planned: tuple[Session, ...], scenario: Scenario) -> None:
    known = sum(session.user_id is not None for session in planned) / len(planned)
    assert known == pytest.approx(scenario.rates.user_share, abs=0.02)
    counts, first = counted(planned), counted(session for session in planned if session.model == MODELS[0])
    assert {session.model for session in planned} == set(MODELS)
    for subject, count in counts.items():
        assert first[subject] == pytest.approx(scenario.rates.first_model * count, abs=0.5)


@pytest.mark.parametrize("phrases", ["asked", "again"])
def test_questions_are_phrasings_of_the_subject(calm: Scenario, phrases: str) -> None:
    rates = Rates(typos=0.0)
    for session in sessions(replace(calm, phrases=phrases, rates=rates)):
        assert set(session.questions) <= set(getattr(session.subject, phrases))
        assert len(set(session.questions)) == len(session.questions) == rates.most_questions


def test_few_questions_have_two_letters_swapped(calm: Scenario) -> None:
    clean = sessions(replace(calm, rates=Rates(typos=0.0)))
    known = {question for session in clean for question in session.subject.asked}
    asked = [(q, s.subject) for s in sessions(calm) for q in s.questions]
    typos = [(question, subject) for question, subject in asked if question not in known]
    assert len(typos) / len(asked) == pytest.approx(calm.rates.typos, abs=0.012)
    for question, subject in typos:
        near = [phrase for phrase in subject.asked if sorted(phrase) == sorted(question)]
        assert [sum(a != b for a, b in zip(question, phrase, strict=True)) for phrase in near] == [2]


def test_words_that_may_be_names_are_never_mistyped(calm: Scenario) -> None:
    phrases = ("csv.DictReader writerow() os.path a_b_c_d", "lazy")
    subject = Subject("names", "Names", "csv", ("csv",), phrases, ("again",))
    planned = sessions(replace(calm, subjects=(subject,), sessions=30, rates=Rates(typos=1.0)))
    assert {question for session in planned for question in session.questions} == set(phrases)


def test_unlike_letters_within_a_word_are_swapped(calm: Scenario) -> None:
    subject = Subject("one", "One", "csv", ("csv",), ("a paabz",), ("again",))
    planned = sessions(replace(calm, subjects=(subject,), sessions=30, rates=Rates(typos=1.0)))
    assert {question for session in planned for question in session.questions} == {"a pabaz"}


def test_a_burst_comes_on_top_from_its_onset(scenario: Scenario, calm: Scenario) -> None:
    (burst,) = (fault for fault in scenario.faults if fault.kind == "burst")
    usual, more = sessions(calm), sessions(scenario)
    before, after = counted(usual), counted(more)
    assert {subject for subject in after if after[subject] != before[subject]} == {burst.subject}
    extra = round((burst.size - 1) * before[burst.subject] * 0.15)
    assert after[burst.subject] - before[burst.subject] == extra >= 10
    times = [session.at for session in more if session.subject.id == burst.subject]
    late = sum(at >= burst.onset for at in times)
    assert late >= extra
    assert late / 0.15 > 4 * (len(times) - late) / 0.85


def test_a_burst_of_another_round_is_over(scenario: Scenario) -> None:
    later = replace(scenario, start=scenario.end, end=scenario.end + timedelta(days=7))
    assert len(sessions(later)) == scenario.sessions


def test_a_subject_without_a_fault_is_asked_the_same(calm: Scenario) -> None:
    """One subject's burst moves nobody else."""
    burst = Fault(kind="burst", size=5.0, onset=calm.start, subject=calm.subjects[0].id)
    both = [
        [(s.at, s.user_id, s.model, s.questions) for s in sessions(each) if s.subject is not calm.subjects[0]]
        for each in (calm, replace(calm, faults=(burst,)))
    ]
    assert both[0] == both[1]


def test_a_scenario_without_sense_is_refused(scenario: Scenario) -> None:
    for change in ({"subjects": ()}, {"sessions": 0}, {"users": 0}):
        with pytest.raises(ValueError, match="needs subjects"):
            replace(scenario, **change)
    for change in ({"end": scenario.start}, {"start": scenario.start.replace(tzinfo=None)}):
        with pytest.raises(ValueError, match="in a time zone"):
            replace(scenario, **change)
