import pytest
from msgspec.structs import replace

from kaizen_worker.knowledge.making import Document, from_document
from kaizen_worker.pipeline.gaps.disagreement import contested

LIMIT = "You may withdraw 500 euros a day with this card at every machine of the bank"


def _entries(*texts):
    return {f"e{place}": from_document(Document(text=text), at=1) for place, text in enumerate(texts)}


@pytest.mark.parametrize(
    "other",
    [
        LIMIT.replace("500", "1.000"),
        LIMIT.replace("may", "may not"),
        LIMIT.replace("every", "any").replace("500", "300").upper(),
    ],
)
def test_another_number_or_a_negation_is_a_disagreement(other):
    found = contested(_entries(LIMIT, other, "The branch opens at 9 and is not open on Sundays"))
    assert found == {"e0", "e1"}


@pytest.mark.parametrize("other", [LIMIT, LIMIT.replace("every", "any"), "A transfer of 700 euros takes 3 days", "7"])
def test_the_same_or_something_else_is_none(other):
    assert contested(_entries(LIMIT, other)) == frozenset()


def test_what_is_marked_as_disputed_with_one_that_is_here_is_contested():
    one, other = _entries(LIMIT, "Another text.").values()
    marked = replace(one, disputes=[other.id])
    assert contested({"e": marked, "f": other}) == {"e"}
    assert contested({"e": marked}) == frozenset(), "the other one is gone"


OFFICE = "Parcels are handed out at the office on the {} floor, and the entrance at the yard is {} after six"


def test_the_opposite_of_a_word_is_a_disagreement():
    said = OFFICE.format("first", "open")
    assert contested(_entries(said, OFFICE.format("last", "open"))) == {"e0", "e1"}
    assert contested(_entries(said, OFFICE.format("first", "locked"))) == frozenset()
    assert contested(_entries(said, f"{said}, not the last one".replace(" not", ""))) == frozenset()


def test_a_number_left_out_is_no_disagreement():
    assert contested(_entries(LIMIT, LIMIT.replace("500 ", ""))) == frozenset()


QUESTION = "How do I report a lost card?"
HOTLINE, BRANCH = "Call the hotline, it is open at all hours.", "Visit a branch with your passport."


def _asked(question, answer):
    return from_document(Document(title=question, text=answer), at=1)


def test_other_answers_to_one_question_disagree():
    other = QUESTION.replace("do I", "can I")
    assert contested(_entries(f"{QUESTION} {HOTLINE}", f"{other} {BRANCH}")) == {"e0", "e1"}
    assert contested({"a": _asked(QUESTION, HOTLINE), "b": _asked(QUESTION, BRANCH)}) == {"a", "b"}


def test_one_answer_or_two_questions_agree():
    assert contested(_entries(f"{QUESTION} {HOTLINE}", f"{QUESTION} Please {HOTLINE}")) == frozenset()
    assert contested(_entries(f"{QUESTION} {HOTLINE}", f"Where is the next machine? {BRANCH}")) == frozenset()
    assert contested({"a": _asked("Cards", HOTLINE), "b": _asked("Cards", BRANCH)}) == frozenset()
