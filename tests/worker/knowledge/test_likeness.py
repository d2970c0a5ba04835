"""What repeats an entry, exactly at the threshold and on both sides of it, and what never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_worker.knowledge.likeness import SAME, likeness, repeats
from kaizen_worker.knowledge.making import Errand, from_passage
from kaizen_worker.types import Passage

WORDS = [f"{a}{b}" for a in ("kar", "len", "mo", "tiv") for b in ("a", "el", "is", "on", "um")][:19]  # 17 runs of three


def entry(text, *, url="", source="web"):
    return from_passage(Passage(source, "", text, url, score=1.0), at=1, errand=Errand())


def changed(count):
    """The text with its last words others: as many runs of three are others too."""
    return " ".join([*WORDS[: len(WORDS) - count], *(f"other{'x' * place}" for place in range(count))])


@pytest.mark.parametrize(("count", "share", "same"), [(2, 15 / 19, True), (3, SAME, True), (4, 13 / 21, False)])
def test_just_from_the_threshold_on_it_is_the_same(count, share, same):
    old, new = " ".join(WORDS), changed(count)
    assert likeness(new, old) == pytest.approx(share, abs=0)
    assert repeats(entry(new), entry(old)) is same
    assert repeats(entry(old), entry(new)) is same


LONG = (
    "A stolen card is frozen in the app. Choose Cards and then the card. Press Freeze and confirm with your code. "
    "Nobody can pay with it from then on. It works again as soon as you unfreeze it."
)


@pytest.mark.parametrize(
    "text",
    [LONG.upper(), LONG.replace(". ", " --\n"), LONG.replace("Press Freeze", "Tap Freeze"), LONG + " Take good care."],
)
def test_other_dress_and_a_word_more_or_less_are_the_same(text):
    assert repeats(entry(text), entry(LONG))


@pytest.mark.parametrize(
    "text",
    [
        LONG + " It takes 5 minutes.",
        LONG.replace("Nobody can pay", "You can not pay"),
        LONG.replace("is frozen", "is never frozen"),
        LONG.split("Press", maxsplit=1)[0],
        "",
    ],
)
def test_another_number_a_negation_and_half_a_text_are_not(text):
    assert not repeats(entry(text or "Something else."), entry(LONG))


def test_opposites_and_newer_versions_of_a_page_are_not():
    old = f"{LONG} The limit is higher inside the country."
    assert not repeats(entry(old.replace("higher", "lower")), entry(old))
    page = "https://a.example/cards"
    newer = LONG.replace("Press", "Tap")
    assert not repeats(entry(newer, url=page), entry(LONG, url=page))
    assert repeats(entry(newer, url=page), entry(LONG, url=f"{page}/copy"))


@given(st.text(), st.text())
def test_it_is_the_same_from_both_sides_and_one_of_itself(one, other):
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, one) in {0, 1}
