"""Every script has words, every language readable names, and neither depends on a dictionary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_worker.embedding import load
from kaizen_worker.pipeline.naming import name
from kaizen_worker.pipeline.naming.language import detect
from kaizen_worker.pipeline.words import characters, normal, pieces, words


@pytest.mark.parametrize("model", ["counts", "static"])
def test_each_name_has_its_topics_word(log, model):
    texts = list(log.values())
    names = name(texts, [[1.0] * len(own) for own in texts], embed=load("static").embed if model == "static" else None)
    assert len(set(names)) == len(names)
    assert [word for word, given_name in zip(log, names, strict=True) if word not in given_name] == []


def test_a_log_of_many_languages_is_named_in_each(topics_of):
    everything = [own for language in ("german", "chinese", "arabic") for own in topics_of(language).items()]
    names = name([own for _, own in everything], [[1.0] * len(own) for _, own in everything])
    assert all(word in given_name for (word, _), given_name in zip(everything, names, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't block my Straße-Card", ["don't", "block", "my", "strasse", "card"]),
        ("l'argent de l'eau, aujourd\u2019hui", ["l", "argent", "de", "l", "eau", "aujourd'hui"]),
        ("caf\u00e9 cafe\u0301", ["caf\u00e9", "caf\u00e9"]),
        ("snake_case 3.5", ["snake", "case", "3", "5"]),
        ("मेरा पासवर्ड भूल गया", ["मेरा", "पासवर्ड", "भूल", "गया"]),
        ("\uff30\uff29\uff2e \ufb01x", ["pin", "fix"]),
        ("银行卡PIN码", ["银行", "行卡", "pin", "码"]),
        ("ﾊﾟｽﾜｰﾄﾞ", ["パス", "スワ", "ワー", "ード"]),
        ("น้ำแข็ง", ["น้ำแข็", "แข็ง"]),
        ("\u06a9\u062a\u0627\u0628\u200c\u0647\u0627", ["\u06a9\u062a\u0627\u0628\u0647\u0627"]),
        ("😀 👩‍💻 ❤️", []),
    ],
)
def test_words_of_any_script(text, expected):
    assert words(text) == expected


@given(st.text())
def test_words_are_the_same_whatever_form_the_text_is_in(text):
    assert words(text) == words(text.upper().lower()) or text.upper().lower() != text
    assert all(word and not word.isspace() for word in words(text))


@given(st.text(alphabet="银行卡密码重置กขเแน้ำ။ကျွန်パスワードをkh1 "))
def test_runs_are_cut_into_characters_without_a_loss(text):
    for piece, spaced in pieces(normal(text)):
        assert spaced or "".join(characters(piece)) == piece


@pytest.mark.parametrize("language", ["english", "german", "french", "spanish", "russian", "arabic", "hindi", "korean"])
def test_the_language_is_told_by_its_stop_words(language, topics_of):
    found = detect(word for texts in topics_of(language).values() for text in texts for word in words(text))
    assert found == detect(stop for stop in sorted(found.stop_words))
    assert found.stop_words


def test_an_unknown_language_is_not_stemmed():
    unknown = detect(words("κάρτα κάρτες λογαριασμός"))
    assert not unknown.stop_words
    assert unknown.stem("κάρτες") == "κάρτες"


def test_inflections_are_one_word_in_the_languages_that_are_known(topics_of):
    german = detect(word for text in topics_of("german")["karte"] for word in words(text))
    assert german.stem("karte") == german.stem("karten")
    korean = detect(word for text in topics_of("korean")["카드"] for word in words(text))
    assert korean.stem("카드를") == korean.stem("카드가") == "카드"
