import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_worker.store.lexical import MAX_TERMS, Lexical

TEXTS = [
    "How to block a lost card in the app",
    "Transfers to other banks take one day",
    "Cards that were stolen are blocked by phone",
    "Opening hours of the branch",
]


def reader(texts):
    lexical = Lexical()
    lexical.update(enumerate(texts))
    return lexical.reader()


@pytest.fixture
def bank():
    return reader(TEXTS)


def test_inflected_words_find_each_other(bank):
    assert {row for row, _ in bank.best(bank.terms("blocking my cards"), limit=5)} == {0, 2}


def test_the_best_come_first_and_scores_are_shares(bank):
    terms = bank.terms("card stolen phone")
    best = bank.best(terms, limit=5)
    assert [row for row, _ in best] == [2, 0]
    assert 0 < best[1][1] < best[0][1] <= 1


def test_a_score_is_bm25_as_its_formula_says(bank):
    # lengths 9, 7, 8, 5: mean 7.25; "branch" stands once, in the last
    terms = bank.terms("branch")
    norm = 1.2 * (1 - 0.75 + 0.75 * 5 / 7.25)
    assert bank.best(terms, limit=1) == [(3, pytest.approx(1 / (1 + norm), abs=1e-5))]


def test_the_query_language_of_the_engine_is_not_spoken(bank):
    for query in (
        "NOT card",
        "-card",
        "card AND nothing",
        "body:card",
        "row:0 card",
        "card~2",
        '"card',
        "[card TO",
        "*",
    ):
        found = {row for row, _ in bank.best(bank.terms(query), limit=5)}
        assert found >= {0, 2} or "card" not in query


def test_without_and_only(bank):
    terms = bank.terms("card")
    assert [row for row, _ in bank.best(terms, limit=5, without=[0])] == [2]
    assert bank.scores(terms, [0, 1]) == {**dict(bank.best(terms, limit=1, without=[2])), 1: 0.0}


def test_coverage_is_the_share_of_idf_that_one_text_has(bank):
    terms = bank.terms("block zebra")
    block, zebra = terms.idf
    assert bank.coverage(terms) == pytest.approx(block / (block + zebra), abs=1e-5)
    assert bank.coverage(bank.terms("zebra")) == 0
    assert bank.coverage(bank.terms("lost card")) == 1


def test_of_nothing_there_is_nothing(bank):
    for query in ("", " ?! ", "zebra"):
        assert bank.best(bank.terms(query), limit=3) == []
    assert bank.best(bank.terms("card"), limit=0) == []
    assert reader([]).best(reader([]).terms("card"), limit=3) == []
    assert reader([]).coverage(reader([]).terms("card")) == 0


def test_a_reader_keeps_its_state_and_removed_texts_are_not_found():
    lexical = Lexical()
    lexical.update(enumerate(TEXTS))
    before = lexical.reader()
    lexical.update([(9, "a card")], removed=[0, 2])
    after = lexical.reader()
    assert {row for row, _ in before.best(before.terms("card"), limit=5)} == {0, 2}
    assert [row for row, _ in after.best(after.terms("card"), limit=5)] == [9]


def test_a_long_query_is_cut(bank):
    words = " ".join(f"word{number}" for number in range(500))
    assert len(bank.terms(words).stems) == MAX_TERMS


@settings(deadline=None)  # the first index of a process takes longer
@given(st.lists(st.text("abc ", max_size=20), max_size=12), st.text("abc ", max_size=12))
def test_no_score_passes_the_bound_and_ties_go_by_number(texts, query):
    found = reader(texts)
    best = found.best(found.terms(query), limit=50)
    assert all(0 < score <= 1 for _, score in best)
    assert best == sorted(best, key=lambda hit: (-hit[1], hit[0]))
    assert best == reader(texts).best(found.terms(query), limit=50)
