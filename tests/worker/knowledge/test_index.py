import numpy as np
import pytest

from kaizen_worker.embedding.static import Static
from kaizen_worker.knowledge.index import Index

TEXTS = {"pin": "reset the PIN", "loan": "repay the loan", "branch": "the branch opens"}


def vector(text):
    return Static().embed([text])[0]


@pytest.fixture
def index():
    made = Index(Static.dimension)
    made.change(TEXTS)
    made.place({name: vector(text) for name, text in TEXTS.items()})
    return made


def found(view, query, **more):
    return [name for name, _ in view.search(query, vector(query), limit=9, **more)]


def test_what_was_removed_is_found_neither_by_words_nor_by_meaning(index):
    index.change({}, removed=["pin"])
    assert "pin" not in index
    assert "pin" not in found(index.view(), "reset the PIN")
    assert index.view().served(["PIN"], vector("PIN")[None]).cosine[0] < 0.5
    assert index.dead == pytest.approx(1 / 3)


def test_what_was_replaced_is_found_by_its_new_text_alone(index):
    index.change({"pin": "freeze an account"})
    index.place({"pin": vector("freeze an account")})
    view = index.view()
    assert found(view, "freeze an account")[0] == "pin"
    assert dict(view.search("reset PIN", vector("reset PIN"), limit=9)).get("pin", 0) < 0.2


def test_a_view_keeps_its_state(index):
    before = index.view()
    index.change({f"n{number}": "reset the PIN again" for number in range(50)}, removed=["pin"])
    assert found(before, "reset the PIN")[0] == "pin"
    assert found(index.view(), "reset the PIN")[0] == "n0"


def test_equal_scores_go_by_id():
    index = Index(Static.dimension)
    index.change(dict.fromkeys("cab", "card"))
    index.place(dict.fromkeys("cab", vector("card")))
    assert found(index.view(), "card") == ["a", "b", "c"]


def test_meaning_alone_finds_and_absent_meaning_does_not(index):
    silent = np.zeros(Static.dimension, np.float32)
    assert index.view().search("?!", vector("repay the loan"), limit=1)[0][0] == "loan"
    assert index.view().search("?!", silent, limit=9) == []


def test_served_gives_one_row_a_text_whatever_their_number(index):
    texts = [f"question {number} about the loan" for number in range(600)]
    served = index.view().served(texts, Static().embed(texts))
    assert {len(column) for column in (served.bm25, served.idf, served.cosine, served.margin)} == {600}
    one = index.view().served(texts[599:], Static().embed(texts[599:]))
    assert (one.bm25[0], one.cosine[0]) == pytest.approx((served.bm25[599], served.cosine[599]))
    assert len(index.view().served([], np.zeros((0, Static.dimension), np.float32)).bm25) == 0
