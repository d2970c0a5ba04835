"""Signs that a text speaks to the assistant: patterns as data (injection.toml), matched against its plainest form.

A flag is a reason to look, no proof: a text about prompt injection carries flags too.
"""

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files

_MARKS = ("Mn", "Me", "Cf")
_SPACED = re.compile(r"\b(?:\w[ .\-_*]){3,}\w\b")
_BETWEEN = re.compile(r"[ .\-_*]")
_QUOTES = re.compile(r"['`\u2018\u2019\u02bc]")
_DIGIT_IN_WORD = re.compile(r"(?<=[a-z])[013457@$]|[013457@$](?=[a-z])")
_SPACE = re.compile(r"[^\S\n]+")
_DIGITS = str.maketrans("013457@$", "oieastas")
_LOOKALIKES = str.maketrans(
    "авекмнорстухіјѕԁһԛԝѡαβεζηικμνορτυχγ",
    "abekmhopctyxijsdhqwwabezhikmvoptyxy",
)


def suspicions(text: str) -> set[str]:
    """The flags whose patterns the text matches: as it stands, with spaced letters joined, with digits as letters."""
    plain = _plainest(text)
    unspaced = _SPACED.sub(lambda found: _BETWEEN.sub("", found[0]), plain)
    forms = {plain, unspaced, _DIGIT_IN_WORD.sub(lambda digit: digit[0].translate(_DIGITS), unspaced)}
    return {flag for flag, pattern in _patterns() if any(pattern.search(form) for form in forms)}


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    listed = tomllib.loads(files(__package__).joinpath("injection.toml").read_text(encoding="utf-8"))
    return tuple((flag, re.compile("|".join(f"(?:{one})" for one in patterns))) for flag, patterns in listed.items())


def _plainest(text: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(character for character in folded if unicodedata.category(character) not in _MARKS)
    return _SPACE.sub(" ", _QUOTES.sub("", bare.translate(_LOOKALIKES)))
