import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from kaizen_api.cli.lazy import LazyGroup
from kaizen_api.cli.options import shared
from kaizen_api.cli.root import build
from kaizen_api.errors import Unavailable

HEAVY = ("celery", "kombu", "numpy", "sklearn", "fastapi", "rich", "jinja2", "flower")


def test_help_names_every_command_and_loads_no_part(tmp_path):
    program = (
        "import sys; from kaizen_api.cli.root import build; from click.testing import CliRunner;"
        "result = CliRunner().invoke(build(), ['--help']); print(result.stdout);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr.strip() == "[]"
    words = done.stdout.split()
    commands = ("up", "report", "push", "api", "worker", "beat", "exporter", "flower", "analyze", "topics", "insights")
    assert set(words) >= {
        *commands,
        "gaps",
        "effects",
        "tenants",
        "config",
        "doctor",
        "kb",
        "breaker",
        "dead-letters",
        "demo",
    }


@pytest.mark.parametrize("command", sorted(build().list_commands(click.Context(build()))))
def test_every_command_has_help_and_json(command):
    result = CliRunner().invoke(build(), [command, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_misuse_is_2_and_says_where_help_is(kaizen):
    result = kaizen("push")
    assert result.exit_code == 2
    assert "Try 'kaizen push --help'" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "args", [("nonsense",), ("insights", "nonsense"), ("up", "--port", "80"), ("topics", "--limit", "0")]
)
def test_what_is_no_command_or_out_of_range_is_misuse(kaizen, args):
    result = kaizen(*args, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]


def test_a_wrong_setting_is_misuse_and_named(kaizen, monkeypatch):
    monkeypatch.setenv("KAIZEN_ANALYSIS_INTERVAL", "5")
    result = kaizen("topics")
    assert result.exit_code == 2
    assert "KAIZEN_ANALYSIS_INTERVAL" in result.stderr
    assert "from 60 to 86400" in result.stderr


def test_an_expected_error_is_one_line_and_1(kaizen, monkeypatch, tmp_path):
    monkeypatch.setenv("KAIZEN_REDIS_URL", f"unix://{tmp_path}/nobody.sock")
    result = kaizen("topics")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: Redis at unix://")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_with_json_the_error_is_a_document_too(kaizen_json):
    assert "no insight i1" in kaizen_json("insights", "show", "i1", status=1)["error"]


@pytest.mark.parametrize(
    "args",
    [
        ("--json", "--tenant", "acme", "tenants"),
        ("tenants", "--json", "--tenant", "acme"),
        ("tenants", "--json", "list", "--tenant", "acme"),
        ("--tenant", "acme", "tenants", "list", "--json"),
    ],
)
def test_shared_options_stand_before_or_after(kaizen, args):
    result = kaizen(*args)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"items": [], "next": None}


def test_an_unknown_tenant_name_is_refused(kaizen):
    result = kaizen("topics", "--tenant", "No Name")
    assert result.exit_code == 2
    assert "tenant" in result.stderr


def test_an_interrupted_command_fails_without_a_traceback():
    root = build()

    @root.command()
    def wait():
        raise KeyboardInterrupt

    result = CliRunner().invoke(root, ["wait"])
    assert result.exit_code == 1
    assert result.stderr == "\nerror: interrupted\n"


def test_a_defect_of_ours_keeps_its_traceback():
    root = build()

    @root.command()
    def broken():
        raise ZeroDivisionError

    assert isinstance(CliRunner().invoke(root, ["broken"]).exception, ZeroDivisionError)


def test_a_reader_that_leaves_is_no_traceback():
    program = (
        "from kaizen_api.cli.root import build; import click; root = build()\n"
        "@root.command()\n"
        "def many():\n"
        "    for _ in range(100_000): click.echo('x' * 80)\n"
        "root.main(['many'])\n"
    )
    command = f'{sys.executable} -c "$PROGRAM" | head -1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True, env={"PROGRAM": program})
    assert done.stdout == "x" * 80 + "\n"
    assert done.stderr == ""


def test_others_join_commands_also_into_groups_that_are_there():
    root = build()
    assert isinstance(root.commands["insights"], LazyGroup)
    root.commands["insights"].lazy("nod", "tests_nod:nod", "Nod.")
    result = CliRunner().invoke(root, ["insights", "--help"])
    assert "Nod." in result.stdout


def test_a_command_that_is_added_takes_part():
    root = build()

    @root.command()
    @shared
    def fail():
        raise Unavailable("the part is away")

    result = CliRunner().invoke(root, ["--json", "fail"])
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"error": "the part is away"}
