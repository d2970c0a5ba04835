"""What is deployed, as its files say it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def compose() -> dict:
    """compose.yaml with its anchors put in."""
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="session")
def tool():
    """Runs a tool of the environment or of the machine; skips where there is none."""

    def run(name, *arguments, **variables):
        path = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        if path is None:
            pytest.skip(f"no {name} on this machine")
        return subprocess.run(
            [path, *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **variables},
            timeout=120,
        )

    return run


@pytest.fixture(scope="session")
def secrets(tmp_path_factory, tool) -> Path:
    """A folder of secrets, as an operator makes it."""
    folder = tmp_path_factory.mktemp("secrets") / "secrets"
    made = tool(str(ROOT / "ops/secrets.sh"), folder, "acme")
    assert made.returncode == 0, made.stderr
    return folder
