"""What every embedder promises, asked of each that is installed; what is skipped says which extra is missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from kaizen_api.config.embedders import EmbedderName
from kaizen_api.errors import Invalid
from kaizen_worker.embedding import load, restore
from kaizen_worker.embedding.choice import BUILT_IN, SAVED

TEXTS = [
    "How do I reset my card PIN?",
    "I forgot the PIN of my card",
    "what will the weather be like in Oslo",
    "",
    "   ",
    "??",
    "日本語 و العربية",
    "😀👩‍👩‍👧 how do i",
    "a\0b card \0",
    "reset my card " * 7500,
]


@pytest.fixture(params=[*sorted(BUILT_IN), *sorted(SAVED), "openai"])
def embedder(request, need):
    if request.param == "openai":
        return request.getfixturevalue("endpoint")()
    need(request.param)
    save = {"model2vec": "save_static", "sentence-transformers": "save_transformer"}.get(request.param)
    return load(request.param, str(request.getfixturevalue(save)())) if save else load(request.param)


def test_a_vector_is_of_its_text_alone_and_survives_storage(embedder):
    together = embedder.embed(TEXTS)
    assert together.dtype == np.float32
    assert together.shape == (len(TEXTS), embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=2**-9)
    with threadpool_limits(limits=4):
        np.testing.assert_array_equal(together, np.vstack([embedder.embed([text]) for text in TEXTS]))
    np.testing.assert_array_equal(together[::-1], embedder.embed(TEXTS[::-1]))
    np.testing.assert_array_equal(restore(together.astype(np.float16)), together)
    assert not np.array_equal(together[0], together[2])
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_the_settings_offer_what_can_be_loaded():
    assert set(EmbedderName.__args__) == {*BUILT_IN, *SAVED, "openai", "fast"}  # the last is a matter of each tenant
    with pytest.raises(Invalid, match=r"minilm, model2vec, .*static"):
        load("word2vec")


@given(st.text())
@settings(max_examples=50, deadline=None)
def test_any_text_has_a_unit_vector(text):
    assert abs(np.linalg.norm(load("static").embed([text])) - 1.0) <= 2**-10
