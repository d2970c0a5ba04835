import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_worker.types import Strings

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"])))


@given(texts, texts, st.integers(-5, 5), st.integers(-5, 5))
def test_strings_are_the_sequence_that_they_were_made_of(some, more, start, stop):
    whole = [*some, *more]
    strings = Strings.joined([Strings.of(some), Strings.of(more)])
    assert len(strings) == len(whole)
    assert list(strings) == whole == [strings[place] for place in range(len(whole))]
    assert list(strings[start:stop]) == whole[start:stop]
    assert strings == Strings.of(whole) == tuple(whole)
    assert hash(strings) == hash(Strings.of(whole))
    rows = np.arange(len(whole))[::-2]
    assert list(strings.take(rows)) == whole[::-2]


def test_strings_differ_and_end_as_a_sequence_does():
    strings = Strings.of(["one", "zwei", "trois"])
    assert strings[-1] == "trois"
    assert strings[np.int64(1)] == "zwei"
    assert strings != ["one", "zwei"]
    assert strings != ["one", "zwei", "drei"]
    assert strings != "onezweitrois"
    assert list(strings[1:][:1]) == ["zwei"]
    for place in (3, -4):
        with pytest.raises(IndexError):
            strings[place]
