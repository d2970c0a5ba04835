import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_worker.embedding import load
from kaizen_worker.pipeline.naming import EXEMPLARS, NEAR_DUPLICATE, exemplars, name
from kaizen_worker.pipeline.naming.language import detect
from kaizen_worker.pipeline.naming.phrases import phrases

CARD = ["my card is blocked", "the blocked card", "why are my cards blocked?", "unblock a blocked card please"]
LOAN = ["apply for a loan", "loan application", "how do I apply for loans", "loan rates"]
TOP_UP = ["how do I top up", "top up failed", "my top up is pending", "Topping up by cheque"]


def ones(texts):
    return [[1.0] * len(own) for own in texts]


def test_a_name_tells_what_its_topic_has_and_the_others_have_not():
    card, loan, top_up = name([CARD, LOAN, TOP_UP], ones([CARD, LOAN, TOP_UP]))
    assert "blocked" in card
    assert "card" in card
    assert "loan" in loan
    assert "top up" in top_up


def test_inflections_count_together_and_show_in_the_most_frequent_form():
    texts = [["refunds refunded", "refund", "refunds", "refunds"], ["weather"]]
    assert name(texts, ones(texts))[0].startswith("refunds")


def test_a_heavy_query_outweighs_many_light_ones():
    texts = [["close account", "open branch", "open office", "open shop"], ["weather"]]
    assert "close account" in name(texts, [[100.0, 1.0, 1.0, 1.0], [1.0]])[0]


def test_what_every_topic_has_names_none_of_them():
    texts = [[f"{thing} card {i}" for i in range(3)] for thing in ("gold", "lost", "stolen")]
    texts = [[f"card number {i}" for i in "abc"] + own for own in texts]
    for thing, given_name in zip(("gold", "lost", "stolen"), name(texts, ones(texts)), strict=True):
        assert given_name.startswith(thing)


def test_stop_words_alone_make_no_name_but_the_query_does():
    assert name([["what is this", "and why not?"]], [[1.0, 1.0]]) == ("and why not?",)


def test_topics_of_the_same_words_still_get_distinct_names():
    texts = [["reset pin"], ["reset PIN"], ["Reset pin"], ["what is"], ["what is?"], ["What is"]]
    names = name(texts, ones(texts))
    assert len({each.casefold() for each in names}) == len(texts)


@pytest.mark.parametrize(
    "texts",
    [["パスワードを忘れました", "パスワード"], ["сбросить пароль", "забыл пароль"], ["😀", "🎉 🎉"], ["İSTANBUL ﬁ"]],
)
def test_any_script_has_a_name(texts):
    assert name([texts], ones([texts]))[0].strip()


def test_a_name_that_is_taken_goes_to_nobody():
    own = name([CARD, LOAN], ones([CARD, LOAN]))
    other = name([CARD, LOAN], ones([CARD, LOAN]), taken=[own[0].upper()])
    assert own[0] not in other
    assert other[1] == own[1]


RADIO = """
play the radio. play me the radio station. radio. the radio louder. radio in my room. is it the radio. play it. play.
please play that. will it play. turn on and play the radio
""".replace("\n", " ").split(". ")


def test_two_words_that_people_say_in_one_show_so():
    assert name([RADIO, LOAN], ones([RADIO, LOAN]))[0] == "play the radio"


def test_no_phrase_goes_over_a_comma_and_no_number_stands_at_an_end():
    texts = [["nice talk, bye 5", *(f"great talk, bye {number}" for number in range(4))], LOAN]
    given = name(texts, ones(texts))[0]
    assert "talk bye" not in given
    assert not any(sign.isdigit() for sign in given)


def test_a_stop_word_that_one_topic_alone_has_names_it():
    others = [[f"{thing} {ending}" for ending in ("price", "size", "colour")] for thing in "abcdefghijk"]
    texts = [["thank you so much", "thanks, thank you", "thank you", "is it"], *others]
    assert "thank" in name(texts, ones(texts))[0]
    assert name(texts[:2], ones(texts[:2]))[0] == "is it"  # too few topics to tell: the shortest query


def test_one_customers_number_is_in_no_name():
    texts = [["will package 56843 be delivered", "will package 11111 be delivered", "package 56843 delivered"], LOAN]
    assert not any(sign.isdigit() for sign in name(texts, ones(texts))[0])
    assert "404" in name([["page 404 error", "page 404 error again"], LOAN], ones([["", ""], LOAN]))[0]


@pytest.mark.parametrize(("text", "there"), [("missing in my account", False), ("log in now", True)])
def test_a_particle_closes_no_phrase_that_goes_on_with_its_noun(text, there):
    english = detect(["is", "the"])
    assert any(" in" in (phrase.surface or "")[-3:] for phrase in phrases(text, english)) == there


def test_a_stop_word_that_tells_stands_alone_beside_no_other_phrase():
    others = [[f"{thing} {ending}" for ending in ("price", "size", "colour")] for thing in "abcdefghijk"]
    texts = [["now the invoice", "invoice for me now", "invoice please, now", "is it my invoice, now"], *others]
    assert name(texts, ones(texts))[0] == "invoice"


def test_no_topics_have_no_names():
    assert name([], []) == ()


GREEK = [["alpha", "beta", "gamma", "delta"], LOAN]


def test_of_phrases_as_frequent_the_one_that_means_what_is_asked_goes_first():
    degrees = {"alpha": -60, "beta": -20, "gamma": 0, "delta": 80}

    def embed(shown):
        angles = np.radians([degrees.get(text, 180) for text in shown])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    assert name(GREEK, ones(GREEK))[0].startswith("alpha")
    assert name(GREEK, ones(GREEK), embed=embed)[0].startswith("gamma")


@pytest.mark.parametrize("seed", range(5))
def test_the_last_bits_of_vectors_decide_no_name(seed):
    random = np.random.default_rng(seed)

    def embed(shown):
        angles = [np.radians(60 if text in {"alpha", "gamma"} else -60) + 1e-6 * random.normal() for text in shown]
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    assert name(GREEK, ones(GREEK), embed=embed)[0].startswith("alpha")


words = st.lists(st.sampled_from(["card", "cards", "pin", "the", "lost", "is", "reset", "?"]), min_size=1, max_size=4)
queries = st.lists(words.map(" ".join), min_size=1, max_size=6, unique=True)


@given(st.lists(queries, min_size=1, max_size=5), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_names_are_distinct_and_do_not_depend_on_the_order_of_topics_or_texts(topics, random):
    topics = list({tuple(sorted(topic)): topic for topic in topics}.values())
    names = name(topics, ones(topics))
    assert len({each.casefold() for each in names}) == len(topics)
    order = random.sample(range(len(topics)), len(topics))
    shuffled = [random.sample(topics[i], len(topics[i])) for i in order]
    assert name(shuffled, ones(shuffled)) == tuple(names[i] for i in order)
    near = name(topics, ones(topics), embed=load("static").embed)
    assert len({each.casefold() for each in near}) == len(topics)
    assert name(shuffled, ones(shuffled), embed=load("static").embed) == tuple(near[i] for i in order)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def cloud():
    """Two topics and noise: 40 texts around each of two axes, and ten anywhere."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, -1], [40, 40, 10]).astype(np.int32)
    means = np.eye(16, dtype=np.float32)[:2]
    rows = unit(np.where(labels[:, None] >= 0, means[labels], 0) + 0.25 * random.normal(size=(90, 16)))
    return rows, [f"text {number}" for number in range(90)], labels, means


def test_exemplars_are_members_and_begin_with_the_medoid(cloud):
    rows, texts, labels, means = cloud
    for topic, chosen in enumerate(exemplars(rows, texts, labels=labels, centroids=means)):
        members = np.flatnonzero(labels == topic)
        assert texts.index(chosen[0]) == members[(rows[members] @ means[topic]).argmax()]
        assert len(set(chosen)) == EXEMPLARS
        assert {texts.index(each) for each in chosen} <= set(members)


def test_exemplars_are_typical_and_further_apart_than_the_nearest_ones(cloud):
    rows, texts, labels, means = cloud
    chosen = [texts.index(each) for each in exemplars(rows, texts, labels=labels, centroids=means)[0]]
    members = np.flatnonzero(labels == 0)
    typical = rows[members] @ means[0]
    nearest = members[np.argsort(-typical)[: len(chosen)]]
    assert (rows[chosen] @ means[0] >= np.median(typical)).all()
    assert (rows[chosen] @ rows[chosen].T).sum() < (rows[nearest] @ rows[nearest].T).sum()


def test_near_duplicates_are_shown_once():
    rows = unit(np.array([[1, 0, 0], [1, 0.01, 0], [1, 0.02, 0], [1, 1, 0]]))
    shown = exemplars(rows, ["a", "b", "c", "d"], labels=np.zeros(4, np.int32), centroids=unit(rows.sum(0)[None]))[0]
    assert len(shown) < len(rows)
    chosen = rows[["abcd".index(each) for each in shown]]
    assert (chosen @ chosen.T)[np.triu_indices(len(chosen), 1)].max(initial=-1) < NEAR_DUPLICATE


def test_a_topic_without_members_has_no_exemplars():
    rows = np.eye(2, dtype=np.float32)
    assert exemplars(rows, ["a", "b"], labels=np.array([1, 1], np.int32), centroids=rows)[0] == ()


def test_long_and_hostile_texts_cost_no_more_than_their_beginning():
    hostile = ["!" * 30_000 + "x", "a" * 30_000, "word " * 6_000, "\u202e" + "!" * 20, "e\u0301" * 15_000]
    names = name([[text] for text in hostile], [[1]] * len(hostile))
    assert len(set(names)) == len(hostile)
    assert all(each.isprintable() for each in names)
