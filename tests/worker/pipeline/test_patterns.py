import numpy as np
import pytest

from kaizen_worker.pipeline.patterns import KINDS, counted, kinds


def _kind(text):
    coded = kinds([text])
    return coded.names[coded.codes[0]]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("What is my balance", "question"),
        ("my balance?", "question"),
        ("Hi, can I pay with a credit card", "question"),
        ("please tell me how to reset the PIN", "question"),
        ("Do you know the opening hours", "question"),
        ("Write a poem about rain", "creation"),
        ("Could you please draft an e-mail to my landlord?", "creation"),
        ("Compare these two contracts", "analysis"),
        ("hey, can you summarize this text?", "analysis"),
        ("Set an alarm for seven", "command"),
        ("please, cancel my order", "command"),
        ("I lost my card yesterday", "statement"),
        ("what about tomorrow?", "follow_up"),
        ("and in euros", "follow_up"),
        ("And now I want you to tell me the whole history of the town of Ghent", "statement"),
        ("Wie hoch ist mein Kontostand", "question"),
        ("Schreibe einen Brief an die Bank", "creation"),
        ("Compare ces deux contrats", "analysis"),
        ("Cancela mi pedido", "command"),
        ("Como altero o meu endereço", "question"),
        ("Por favor, escreva uma carta ao banco", "creation"),
        ("Confronta questi due contratti", "analysis"),
        ("Dov'è la filiale più vicina", "question"),
        ("Blokkeer mijn pas", "command"),
        ("Hoe wijzig ik mijn adres", "question"),
        ("请问怎么修改密码", "question"),
        ("帮我写一封信", "creation"),
        ("翻译这段话", "analysis"),
        ("我的卡丢了", "statement"),
        ("カードはいつ届きますか？", "question"),  # noqa: RUF001 - as Japanese writes it
        ("どうすれば変更できますか", "question"),
        ("", "statement"),
    ],
)
def test_kinds(text, kind):
    assert _kind(text) == kind


def test_codes_point_into_the_sorted_kinds():
    coded = kinds(["what", "set it"])
    assert coded.names == KINDS == tuple(sorted(KINDS))
    assert coded.codes.dtype == np.int32


def test_each_interaction_counts_once_with_the_kind_of_its_text():
    texts = ["Compare these two contracts", "Write a poem about rain", "what is my balance"]
    assert counted(kinds(texts), np.array([2, 2, 0, 2], np.int32)) == {"analysis": 1, "question": 3}
