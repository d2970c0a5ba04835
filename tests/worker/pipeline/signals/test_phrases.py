from kaizen_worker.pipeline.signals.phrases import content, mentions, phrases, plain

KINDS = (
    "refusal", "clarification", "closing", "asking", "negation", "opening", "bare", "thanks", "escalation", "function",
)  # fmt: skip


def test_case_apostrophes_and_punctuation_do_not_matter():
    assert plain("It STILL doesn't\n work!!") == " it still doesnt work "
    assert plain("It still doesn\u2019t work") == plain("it still doesnt work")


def test_every_phrase_finds_itself_and_is_written_as_it_is_matched():
    for kind in KINDS:
        for words in phrases(kind):
            assert mentions([plain(" ".join(words))], kind).all(), (kind, words)


def test_phrases_match_whole_words_in_order():
    texts = [plain(text) for text in ("Nothing works, still wrong", "still wrongly typed", "wrong? still")]
    assert mentions(texts, "negation").tolist() == [True, False, False]


def test_at_start_means_the_first_words():
    texts = [plain("no, the other one"), plain("there is no other one")]
    assert mentions(texts, "opening", at_start=True).tolist() == [True, False]


def test_other_languages_are_found_without_being_named():
    said = ["Das funktioniert nicht", "cela ne fonctionne pas", "eso no funciona"]
    assert mentions([plain(text) for text in said], "negation").all()


def test_content_leaves_out_the_words_that_carry_no_question():
    assert content(plain("It still does not work with my card")) == {"card"}


def test_empty_text_says_nothing():
    assert plain("?!").split() == []
    assert not any(mentions([plain("")], kind).any() for kind in KINDS)
