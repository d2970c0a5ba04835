"""What counts as an answer, and what the assistant says with and without one."""

from random import Random

import pytest

from kaizen_worker.helpdesk import Subject, Turns
from kaizen_worker.simulate import Found, Rates, answers, quote
from kaizen_worker.simulate.assistant import Reply, reply

SUBJECT = Subject("write_csv", "Write CSV", "csv", ("csv.writer", "csv"), ("asked",), ("again",))
TURNS = Turns(negations=("no",), refusals=("Sorry.",), thanks=("thanks",), clarifications=("Pardon?",))
WRONG = [Found(f"w{number}", f"json.thing{number}", f"Text {number}.", 0.9 - number / 10) for number in range(4)]


def found(title: str, *, score: float = 0.5) -> Found:
    return Found("right", title, "Return a writer object.", score)


@pytest.mark.parametrize("title", ["csv.writer", "csv", "csv.writer — part 2", "csv.writer: Usage", "csv (2)", "csv."])
def test_a_title_answers_if_it_begins_with_a_whole_name(title: str) -> None:
    assert answers(SUBJECT, title)


@pytest.mark.parametrize(
    "title",
    ["csv.writerow", "csv.writer.writerow", "csvs", "csv.Writer", "the csv module", "", "csv_2", "x.csv.writer"],
)
def test_another_name_does_not(title: str) -> None:
    assert not answers(SUBJECT, title)


@pytest.mark.parametrize("seed", range(20))
def test_the_best_answer_of_the_first_three_is_quoted(seed: int) -> None:
    said = reply(SUBJECT, [*WRONG, found("csv.writer: Usage", score=0.75)], TURNS, Rates(), Random(seed))
    assert said == Reply("answered", "Return a writer object.", ("right",))


def test_the_fourth_is_not_read() -> None:
    said = reply(SUBJECT, [found("csv", score=0.65), *WRONG], TURNS, Rates(refusal=0.0, wrong=1.0), Random(0))
    assert said == Reply("wrong", "Text 0.", ("w0",))


def test_the_other_outcomes() -> None:
    outcomes = {}
    for rates in (Rates(refusal=1.0, wrong=0.0), Rates(refusal=0.0, wrong=1.0), Rates(refusal=0.0, wrong=0.0)):
        outcomes[rates] = reply(SUBJECT, WRONG, TURNS, rates, Random(0))
    assert list(outcomes.values()) == [
        Reply("refused", "Sorry."),
        Reply("wrong", "Text 0.", ("w0",)),
        Reply("asked_back", "Pardon?"),
    ]
    nothing = [reply(SUBJECT, [], TURNS, Rates(refusal=0.3, wrong=0.7), Random(seed)) for seed in range(20)]
    assert {said.outcome for said in nothing} == {"refused"}


def test_a_quote_is_the_first_sentences_after_heading_and_signature() -> None:
    told = "Return a writer. It\nwrites rows, each of them a list of cells. Then more follows."
    page = f"```python\nwriter(fileobj,\n  dialect='excel')\n```\n\n{told}"
    plain = f"csv.writer\n\nwriter(fileobj, dialect='excel') -> writer\n\n{told}"
    for text in (page, plain, f"# csv.writer\n\n{page}", told):
        assert quote(text) == "Return a writer. It writes rows, each of them a list of cells."


def test_a_quote_is_never_empty_and_never_long() -> None:
    assert quote("writer(fileobj)") == "writer(fileobj)"
    assert quote("abs") == "abs"
    assert len(quote("word " * 200)) == 400
