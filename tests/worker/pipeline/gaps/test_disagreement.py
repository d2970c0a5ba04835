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


def test_what_is_marked_as_disputed_is_contested_alone():
    (entry,) = _entries(LIMIT).values()
    assert contested({"e": replace(entry, flags=["disputed"])}) == {"e"}
