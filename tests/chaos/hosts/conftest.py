"""The run without faults, and what keeps a machine from any."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # as in the room around it

from network import missing
from plays import play


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """What comes of the log where no host fails."""
    if why := missing():
        pytest.skip(why)
    return play(tmp_path_factory.mktemp("undisturbed"), disturbed=False)
