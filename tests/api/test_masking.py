"""The quick looks before the rules change nothing: the same text comes out as if every rule were tried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_api import masking
from kaizen_api.masking import mask

PIECES = (
    *("sk-live-abcdefghijklmnop", "AKIAABCDEFGHIJKLMNOP", "ghp_abcdefghijklmnopqrstuvwx", "glpat-abcdefghijklmnop"),
    *("eyJhbGciOi.eyJzdWIiOi.x", "password: hunter2!", "api_key=abc123def", "Authorization: Bearer abc1234"),
    *("https://bob:pw@host/x", "bob.o'neil+a@mail.example.com", "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111"),
    *("10.0.0.1", "fe80::1:2", "2001:db8:0:0:0:0:2:1", "+49 170 1234567", "(555) 123-4567", "٠١٢٣٤٥٦٧٨٩", "12:30:45"),
    *("\x1b[31m", "\x00", "\x9b", " ", "\n", "ü", "->", "a::b", "1.2.3", "--", "__"),
)
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=8).map("".join)


def all_rules(text):
    text = masking._CONTROLS.sub("", text)
    for pattern, replacement in (
        (masking._SECRET, "[secret]"),
        (masking._ASSIGNED, r"\1\2[secret]"),
        (masking._URL_LOGIN, "[login]"),
        (masking._EMAIL, "[email]"),
        (masking._IBAN, masking._replace_iban),
    ):
        text = pattern.sub(replacement, text)
    text = masking._without_cards(text)
    for pattern, replacement in (
        (masking._IPV4, masking._replace_address),
        (masking._IPV6, masking._replace_address),
        (masking._PHONE, "[phone]"),
    ):
        text = pattern.sub(replacement, text)
    return text


@given(TEXTS)
def test_every_rule_that_could_match_is_tried(text):
    assert mask(text) == all_rules(text)


@given(st.text(alphabet=st.characters(max_codepoint=0x7F), max_size=60))
def test_any_ascii(text):
    assert mask(text) == all_rules(text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4111 1111 1111 1111 123", "[card] 123"),
        ("card 4111-1111-1111-1111 12/27 123", "card [card] 12/27 123"),
        ("order 12345 4111 1111 1111 1111", "order 12345 [card]"),
        ("555 1234 4111 1111 1111 1111", "555 1234 [card]"),
        ("+49 170 1234567 4111 1111 1111 1111", "[phone] [card]"),
        ("4111111111111111 10.0.0.1", "[card] [ip]"),
        ("3782 822463 10005 1234", "[card] 1234"),
        ("1234 5678 9012 3456", "1234 5678 9012 3456"),
        ("x-1700000000000", "x-1700000000000"),
    ],
)
def test_a_card_is_found_whatever_numbers_stand_beside_it(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "begins",
    [
        *("sk-", "sk_live_", "pk_test_", "rk-proj-", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        *("github_pat_", "glpat-", "xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"),
    ],
)
def test_a_key_of_each_provider_is_found_alone(begins):
    length = 16 if begins in {"AKIA", "ASIA"} else 24
    assert mask(f"it is {begins}{'A' * length} here") == "it is [secret] here"
