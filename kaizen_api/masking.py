"""Personal data and secrets are replaced by their kind before anything is stored.

Masking is by form alone, the same text gives the same result, and a masked text stays as it is when masked again. What
has no form of its own (a name, a street) is not found: the rules are listed here, and that is all there is.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_CARD_ALONE = re.compile(  # as it is printed on a card, whatever numbers stand beside it
    r"(?<![\w.-])(?=(\d{4}([ -])\d{4}\2\d{4}\2\d{1,7}(?![\w-])|\d{4}[ -]\d{6}[ -]\d{5}(?![\w-])|\d{13,19}(?![\w-])))"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_IBAN_BEGINS = re.compile(r"[A-Z]{2}\d{2}")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)")
_IPV6 = re.compile(r"(?<![\w:.])(?=(?:[0-9a-f]*:){2})[0-9a-f:]{2,45}(?![\w:])", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+%'-])[\w.+%'-]+@[\w-]{1,63}(?:\.[\w-]{1,63})+")  # begins where a word does: linear
_PHONE = re.compile(
    r"(?<![\w.:/-])(?:\+|00)\d(?:[ ./()-]{0,2}\d){7,14}(?![\w-])|(?<![\w.])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\w)"
)
_SECRET = re.compile(
    r"\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{16,}"  # payment and model providers
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # cloud access keys
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abprs]-[\w-]{10,}"
    r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JSON web tokens
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.|\n)*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
_ASSIGNED = re.compile(
    r"(?i)\b(password|passwd|pwd|secret|api[_-]?key|access[_-]?token|authorization: *bearer)(\s*[=:]\s*|\s+)"
    r"(['\"]?)(?!\[)(?=[^\s'\"]{0,64}[\d!@#$%^&*_])[^\s'\"]{6,256}\3"
)
_URL_LOGIN = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")

_LUHN_LENGTHS = range(13, 20)
_MIN_GROUPS = 3


def _digits(text: str) -> list[int]:
    return [int(character) for character in text if character.isdigit()]


def _is_card(text: str) -> bool:
    digits = _digits(text)[::-1]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return len(digits) in _LUHN_LENGTHS and (sum(digits[::2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _without_cards(text: str) -> str:
    parts, end = list[str](), 0
    for match in _CARD_ALONE.finditer(text):
        if match.start() >= end and _is_card(match[1]):
            parts += (text[end : match.start()], "[card]")
            end = match.end(1)
    return _CARD.sub(_replace_card, "".join((*parts, text[end:])))


def _is_iban(text: str) -> bool:
    compact = text.replace(" ", "")
    rearranged = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in rearranged)) % 97 == 1


def _is_address(text: str) -> bool:
    # `a::b` and `::2` are code far more often than hosts: a short form counts with three groups and a digit
    if ":" in text and (len(text.replace(":", " ").split()) < _MIN_GROUPS or not any(map(str.isdigit, text))):
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _where(check: Callable[[str], bool], label: str) -> Callable[[re.Match[str]], str]:
    return lambda match: label if check(match[0]) else match[0]


_replace_iban, _replace_card, _replace_address = (
    _where(check, label) for check, label in ((_is_iban, "[iban]"), (_is_card, "[card]"), (_is_address, "[ip]"))
)


_CONTROLS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor movements
    r"|\x1b[\]PX^_][^\x07\x1b]{0,256}(?:\x07|\x1b\\)?"  # titles and other strings for the terminal
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_FEW_DIGITS = re.compile(r"\d(?:[ ./()-]{0,3}\d){6}")
_PLAIN = bytes({*b" \t\n\r\"'(),./;<=>?[\\]`{|}~", *range(65, 91), *range(97, 123)})
_DIGITS = b"0123456789"
_CONTROL_SIGNS = bytes({*range(9), 11, 12, *range(14, 32), 127, 0xC2})  # 0xC2 begins U+0080 to U+009F in UTF-8
_NO_VALUE = b"-:+" + _CONTROL_SIGNS
_GITHUB = ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")
_SECRET_SIGNS = ("sk-", "sk_", "pk-", "pk_", "rk-", "rk_", *_GITHUB, "glpat-", "xox", "-----BEGIN")
_MIN_SECRET = 10
"""Characters of the shortest secret with what it is assigned to."""

_MIN_ADDRESS, _MIN_NUMBER = 4, 7
"""Digits of the shortest address, and of the shortest number of a phone, card or account."""

_MIN_DOTS, _MIN_COLONS = 3, 2


def _signs(text: str) -> bytes:
    """The bytes of a text that its rules need: none, and no rule can match. Most texts have few or none."""
    signs = text.encode(errors="surrogatepass").translate(None, _PLAIN)
    if not signs and ("eyJ" in text or "AKIA" in text or "ASIA" in text):
        return b"_"  # keys may be of letters alone
    return signs


def _has_secret_sign(text: str, signs: bytes) -> bool:
    if (b"-" in signs or b"_" in signs) and any(map(text.__contains__, _SECRET_SIGNS)):
        return True
    return "eyJ" in text or "AKIA" in text or "ASIA" in text


def _has_assigned_sign(text: str) -> bool:
    low = text.lower()  # spelt out: a generator would cost more than what it looks for
    return "pass" in low or "pwd" in low or "secret" in low or "key" in low or "token" in low or "bearer" in low


def mask(text: str) -> str:
    """The text with addresses of mail and network, phone, card and account numbers, and secrets replaced.

    Control characters are left out, so that what is stored drives no terminal, and hides nothing from the rules.
    """
    signs = _signs(text)
    if not signs:
        return text
    if signs.translate(None, _CONTROL_SIGNS) != signs:
        text = _CONTROLS.sub("", text)
        signs = _signs(text)
    return _masked(text, signs)


def _masked(text: str, signs: bytes) -> str:
    """Every rule in its turn, behind a cheap test without which it cannot match."""
    if len(text) >= _MIN_SECRET:
        if _has_secret_sign(text, signs):
            text = _SECRET.sub("[secret]", text)
        if signs.translate(None, _NO_VALUE) and _has_assigned_sign(text):
            text = _ASSIGNED.sub(r"\1\2[secret]", text)
    if b"@" in signs:
        text = _EMAIL.sub("[email]", _URL_LOGIN.sub("[login]", text))
    digits = len(signs) - len(signs.translate(None, _DIGITS)) if text.isascii() else len(text)  # others have digits too
    numbers = digits >= _MIN_NUMBER and _FEW_DIGITS.search(text)
    if numbers:
        if _IBAN_BEGINS.search(text):
            text = _IBAN.sub(_replace_iban, text)
        text = _from_first_number(text, _without_cards)
    if digits >= _MIN_ADDRESS and text.count(".") >= _MIN_DOTS:
        text = _IPV4.sub(_replace_address, text)
    if digits and signs.count(b":") >= _MIN_COLONS:
        text = _IPV6.sub(_replace_address, text)
    return _from_first_number(text, lambda rest: _PHONE.sub("[phone]", rest)) if numbers else text


def _from_first_number(text: str, rule: Callable[[str], str]) -> str:
    """A rule that begins at a digit of a long number, or one sign before it, on what can hold one."""
    first = _FEW_DIGITS.search(text)
    if not first:
        return text
    blank = max(0, text.rfind(" ", 0, first.start()))
    return text[:blank] + rule(text[blank:])


def mask_value(value: Any) -> Any:
    """A JSON value with every string in it masked, keys included."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {mask(str(key)): mask_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask_value(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and mask(str(value)) != str(value):
        return mask(str(value))  # a card's number is one as a number too
    return value
