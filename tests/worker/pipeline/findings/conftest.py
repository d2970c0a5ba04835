"""Subjects of invented words, for logs with planted faults."""

import numpy as np
import pytest

from kaizen_worker.helpdesk import Subject

SYLLABLES = ["ba", "co", "di", "fu", "ga", "he", "ji", "lo", "ma", "pi", "qu", "ra", "si", "to", "vu", "wa", "xe", "zi"]
FORMS = (
    "what is the {0} for a {1}?",
    "compare the {0} with the {1}",
    "send me the {0} of the {1}",
    "write a note on {0} and {1}",
    "my {0} lies beside the {1} today",
)


@pytest.fixture(scope="session")
def invented() -> tuple[Subject, ...]:
    """Forty subjects of six words, each pair of them in every form: 150 wordings in five kinds of request."""
    rng = np.random.default_rng(0)
    return tuple(_subject(f"subject{number:02d}", rng) for number in range(40))


def _subject(name, rng):
    words = ["".join(rng.choice(SYLLABLES, 3)) + name[-2:] for _ in range(6)]
    pairs = [(one, other) for one in words for other in words if one != other]
    asked = sorted({form.format(*pair) for form in FORMS for pair in pairs})
    return Subject(name, name, name, (name,), tuple(asked), ())
