"""Options and the run without faults, which is made once.

pytest tests/chaos --chaos-seeds 3        one seed, again
pytest tests/chaos --chaos-seeds 0-4,17   some
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # test folders are no packages, and the harness has several files

from run import Run, Totals


def pytest_addoption(parser):
    parser.addoption("--chaos-seeds", default="0-19", help="seeds to play, such as 3 or 0-4,17 (default: 0-19)")


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds(metafunc.config.getoption("--chaos-seeds")))


def seeds(text):
    """The numbers that `3`, `0-4` or `0-4,17` names."""
    ranges = (part.partition("-") for part in text.split(","))
    return [seed for low, _, high in ranges for seed in range(int(low), int(high or low) + 1)]


@pytest.fixture(scope="session")
def calm(tmp_path_factory):
    """The run without faults."""
    return Run(tmp_path_factory.mktemp("calm"), seed=None).play()


@pytest.fixture(scope="session")
def totals():
    """Of all seeds, printed at the end."""
    all_of_it = Totals()
    yield all_of_it
    print(f"\n{all_of_it}")
