import numpy as np
import pytest

from kaizen_worker.pipeline.patterns import KINDS, kinds, ratios


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


def test_ratios_count_interactions_and_not_texts():
    coded = kinds(["I am here", "what is it?"])
    found = ratios(coded, np.array([0, 1, 1, 1], np.int32))
    assert list(found) == list(KINDS)
    assert (found["question"], found["statement"], sum(found.values())) == (0.75, 0.25, 1.0)
    assert ratios(coded, np.array([], np.int32)) == {}
