"""The command line as a user has it: its own folder, its settings from variables."""

import json

import pytest
from click.testing import CliRunner

from kaizen_api.cli.root import build


@pytest.fixture
def kaizen(redis, server, tmp_path, monkeypatch):
    """Runs a command in this process against the real server."""
    del redis  # it is empty now
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAIZEN_REDIS_URL", server)
    monkeypatch.setenv("KAIZEN_DATA_DIR", str(tmp_path / "data"))

    def run(*args):
        return CliRunner().invoke(build(), [str(arg) for arg in args])

    return run


@pytest.fixture
def kaizen_json(kaizen):
    """The same with --json: the one document on standard output."""

    def run(*args, status=0):
        result = kaizen(*args, "--json")
        assert result.exit_code == status, result.stderr
        return json.loads(result.stdout)

    return run
