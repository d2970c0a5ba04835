import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from kaizen_worker.embedding import load
from kaizen_worker.embedding.fast import Fast
from kaizen_worker.pipeline.companion import fit, foresee

SUBJECTS = ("card", "refund", "parcel", "password", "invoice", "voucher", "address", "subscription")
ASKS = ("how do I change my {}", "where is the {}", "my {} is lost", "cancel the {} please", "the {} does not work")
TEXTS = [f"{ask.format(subject)} {number}" for ask in ASKS for subject in SUBJECTS for number in range(5)]


@pytest.fixture(scope="module")
def world():
    """Texts with their static vectors, and with those that another model would give them."""
    static = load("static").embed(TEXTS)
    turn = np.random.default_rng(0).normal(size=(static.shape[1], 64))
    dear = np.tanh(static @ turn)
    return static, (dear / np.linalg.norm(dear, axis=1, keepdims=True)).astype(np.float16)


def cosines(one, other):
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.einsum("ij,ij->i", one, other, dtype=np.float64) / lengths


def test_what_was_not_seen_is_foreseen_far_better_than_by_its_mean(world):
    static, dear = world
    seen = np.arange(len(TEXTS)) % 2 == 0
    found = fit([text for text, own in zip(TEXTS, seen, strict=True) if own], static[seen], dear[seen])
    others = [text for text, own in zip(TEXTS, seen, strict=True) if not own]
    foreseen = cosines(foresee(found, others, static[~seen]), dear[~seen])
    mean = cosines(np.broadcast_to(dear.mean(axis=0, dtype=np.float64), dear[~seen].shape), dear[~seen])
    assert foreseen.mean() > 0.9
    assert foreseen.mean() > mean.mean() + 0.2


def test_a_vector_depends_on_the_text_and_the_fit_alone(world):
    static, dear = world
    embedder = Fast(fit(TEXTS, static, dear), load("static"))
    whole = embedder.embed([*TEXTS, *TEXTS[:100]])
    order = np.random.default_rng(1).permutation(len(TEXTS))
    assert np.array_equal(embedder.embed([TEXTS[i] for i in order]), whole[order])
    assert np.array_equal(np.concatenate([embedder.embed([text]) for text in TEXTS[:5]]), whole[:5])
    with threadpool_limits(limits=2):
        assert np.array_equal(embedder.embed(TEXTS), whole[: len(TEXTS)])


def test_equal_fits_have_one_name_and_others_another(world):
    static, dear = world
    first, again = fit(TEXTS, static, dear), fit(TEXTS, static, dear)
    assert first.name == again.name
    assert fit(TEXTS[:-1], static[:-1], dear[:-1]).name != first.name
    assert Fast(first, load("static")).name == f"fast-1-{first.name}"


@pytest.mark.parametrize("text", ["", " ", "\x00", "🙂🙂", "重置PIN码", "word " * 20_000])
def test_any_text_gets_a_vector_of_unit_length(world, text):
    static, dear = world
    row = Fast(fit(TEXTS, static, dear), load("static")).embed([text])
    assert row.shape == (1, 64)
    np.testing.assert_allclose(np.linalg.norm(row, axis=1), 1.0, atol=2e-3)
    assert np.array_equal(row, row.astype(np.float16).astype(np.float32))
