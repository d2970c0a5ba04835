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
