"""Personal data and secrets are replaced by their kind before anything is stored.

Masking is by form alone, the same text gives the same result, and a masked text stays as it is when masked again. What
has no form of its own (a name, a street) is not found: the rules are listed here, and that is all there is.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)")
_IPV6 = re.compile(r"(?<![\w:.])(?=(?:[0-9a-f]*:){2})[0-9a-f:]{2,45}(?![\w:])", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.UNICODE)
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


_SECRET_SIGNS = ("sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "gh", "glpat-", "xox", "-----BEGIN")
_FEW_DIGITS = re.compile(r"\d(?:[ ./()-]{0,3}\d){6}")
_DIGITS = b"0123456789"
_MIN_DOTS = 3
_MIN_COLONS = 2
_PLAIN_LENGTH = 9
"""Up to here, letters and digits alone are too short for anything that has a form."""


def _has_secret_sign(text: str) -> bool:
    if ("-" in text or "_" in text) and any(sign in text for sign in _SECRET_SIGNS):
        return True
    return "AKIA" in text or "ASIA" in text or "eyJ" in text


def _has_assigned_sign(text: str) -> bool:
    low = text.lower()  # spelt out: a generator would cost more than what it looks for
    return "pass" in low or "pwd" in low or "secret" in low or "key" in low or "token" in low or "bearer" in low


def _most_digits(text: str) -> int:
    """How many there are at most; counted only where that is cheap."""
    if not text.isascii():
        return len(text)
    encoded = text.encode()
    return len(encoded) - len(encoded.translate(None, _DIGITS))


_RULES: tuple[tuple[int, Callable[[str], object], re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # the digits and the cheap test without which the pattern cannot match, the pattern, its replacement (no digits)
    (0, _has_secret_sign, _SECRET, "[secret]"),
    (0, _has_assigned_sign, _ASSIGNED, r"\1\2[secret]"),
    (0, lambda text: "://" in text, _URL_LOGIN, "[login]"),
    (0, lambda text: "@" in text, _EMAIL, "[email]"),
    (7, _FEW_DIGITS.search, _IBAN, _where(_is_iban, "[iban]")),
    (7, _FEW_DIGITS.search, _CARD, _where(_is_card, "[card]")),
    (4, lambda text: text.count(".") >= _MIN_DOTS, _IPV4, _where(_is_address, "[ip]")),
    (0, lambda text: text.count(":") >= _MIN_COLONS, _IPV6, _where(_is_address, "[ip]")),
    (7, _FEW_DIGITS.search, _PHONE, "[phone]"),
)


def mask(text: str) -> str:
    """The text with addresses of mail and network, phone, card and account numbers, and secrets replaced."""
    if len(text) <= _PLAIN_LENGTH and text.isalnum():
        return text
    digits = _most_digits(text)
    for least, may_match, pattern, replacement in _RULES:
        if digits >= least and may_match(text):
            text = pattern.sub(replacement, text)
    return text


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
