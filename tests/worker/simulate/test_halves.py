"""Half of the subjects lose all that answers them, whatever they share."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_worker.helpdesk import Subject
from kaizen_worker.helpdesk.documents import Document, documents
from kaizen_worker.simulate import Split, split

NAMES = [f"module.thing{number}" for number in range(30)]
DOCUMENTS = [Document(name, name, "text") for name in NAMES]


def subject(number: int, answer: tuple[str, ...]) -> Subject:
    return Subject(f"s{number:02d}", f"Subject {number}", "module", answer, ("a",), ("b",))


answer_sets = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True).map(tuple)
made_up = st.lists(answer_sets, min_size=1, max_size=12).map(lambda sets: [subject(*pair) for pair in enumerate(sets)])


@given(made_up, st.integers(0, 9))
def test_a_subject_is_known_or_missing_as_a_whole(subjects: list[Subject], seed: int) -> None:
    known, missing = split(DOCUMENTS, subjects, seed=seed)
    assert len(missing) <= len(subjects) // 2
    for each in subjects:
        if each.id in missing:
            assert known.isdisjoint(each.answer)
        else:
            assert known.issuperset(each.answer)


@given(made_up, st.integers(0, 9))
def test_half_of_the_documents_are_known_unless_answers_are_more(subjects: list[Subject], seed: int) -> None:
    known, missing = split(DOCUMENTS, subjects, seed=seed)
    needed = {name for each in subjects if each.id not in missing for name in each.answer}
    lacked = {name for each in subjects if each.id in missing for name in each.answer}
    wanted = max(len(NAMES) // 2, len(needed))
    assert len(known) == min(wanted, len(NAMES) - len(lacked))


@given(made_up, st.randoms(use_true_random=False))
def test_the_order_of_what_is_given_does_not_matter(subjects: list[Subject], chance: random.Random) -> None:
    mixed, others = chance.sample(subjects, len(subjects)), chance.sample(DOCUMENTS, len(DOCUMENTS))
    assert split(others, mixed, seed=3) == split(DOCUMENTS, subjects, seed=3)


def test_subjects_that_share_through_a_third_stay_together() -> None:
    chain = [subject(0, ("module.thing0",)), subject(1, ("module.thing1",)), subject(2, (NAMES[0], NAMES[1]))]
    others = [subject(number, (NAMES[number],)) for number in range(3, 8)]
    groups = [{"s00", "s01", "s02"} & set(split(DOCUMENTS, chain + others, seed=seed).missing) for seed in range(20)]
    assert {len(group) for group in groups} == {0, 3}


def test_the_help_desk_is_cut_exactly_in_half(subjects: tuple[Subject, ...]) -> None:
    pages = list(documents())
    halves = split(pages, subjects, seed=0)
    assert isinstance(halves, Split)
    assert len(halves.missing) == len(subjects) // 2
    assert len(halves.known) == len(pages) // 2
    assert halves.known < {page.title for page in pages}
    other = split(pages, subjects, seed=1)
    assert other.missing != halves.missing
    assert 0.4 < len(other.known & halves.known) / len(halves.known) < 0.6


def test_an_answer_without_a_document_is_refused() -> None:
    with pytest.raises(ValueError, match=r"module\.nothing"):
        split(DOCUMENTS, [subject(0, ("module.nothing",))], seed=0)
