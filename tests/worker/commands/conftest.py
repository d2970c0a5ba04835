"""The commands that need the engine, as a user has them."""

import json

import pytest
from click.testing import CliRunner

from kaizen_api.cli.root import build
from kaizen_api.stack.variables import variables


@pytest.fixture
def command(config):
    """Runs a command against the real server."""

    def run(*arguments, **settings):
        environment = {**variables(config.model_copy(update=settings)), "COLUMNS": "200"}
        return CliRunner().invoke(build(), [str(argument) for argument in arguments], env=environment)

    return run


@pytest.fixture
def command_json(command):
    """The same with --json: the one document on standard output."""

    def run(*arguments, status=0, **settings):
        result = command(*arguments, "--json", **settings)
        assert result.exit_code == status, result.stderr
        return json.loads(result.stdout)

    return run
