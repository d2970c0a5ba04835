"""Harm is counted once each time an insight was applied, however often it is looked at."""

from types import SimpleNamespace

import pytest

from kaizen_worker.engine.prove import _counts


def effect(verdict, applied_at):
    return SimpleNamespace(verdict=verdict, applied_at=applied_at)


@pytest.mark.parametrize(
    ("old", "new", "counted"),
    [
        (None, ("measuring", 1), 0),
        (("measuring", 1), ("harmful", 1), 1),
        (("harmful", 1), ("harmful", 1), 0),
        (("harmful", 1), ("harmful", 2), 1),
        (("harmful", 1), ("confirmed", 2), 0),
    ],
)
def test_harm_counts_once_an_application(old, new, counted):
    assert sum(_counts(old and effect(*old), effect(*new)).values()) == counted
