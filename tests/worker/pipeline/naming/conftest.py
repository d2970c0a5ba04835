"""Small logs in many languages, written for these tests: five topics each, sentences with endings."""

from itertools import product
from pathlib import Path

import pytest

UNSPACED = {"chinese", "japanese", "thai"}
LINES = Path(__file__).with_name("logs.txt").read_text(encoding="utf-8").splitlines()
LANGUAGES = [line.strip("[]") for line in LINES if line.startswith("[")]


def topics(language: str) -> dict[str, list[str]]:
    """Word that the topic's name should hold → its queries."""
    start = LINES.index(f"[{language}]") + 1
    found = {}
    for line in LINES[start : start + 5]:
        word, _, rest = line.partition(": ")
        sentences, endings = (part.split(" / ") for part in rest.split(" + "))
        blank = "" if language in UNSPACED else " "
        found[word] = [f"{text}{blank}{end}".strip() for text, end in product(sentences, endings)]
    return found


@pytest.fixture(params=LANGUAGES)
def log(request) -> dict[str, list[str]]:
    """One language's topics."""
    return topics(request.param)


@pytest.fixture(scope="session")
def topics_of():
    """The topics of a language."""
    return topics
