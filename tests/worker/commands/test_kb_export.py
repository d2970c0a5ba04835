"""`kaizen kb export`, and that the demo is its own whatever the environment says."""

import json

import pytest
from click.testing import CliRunner

from kaizen_api.cli.options import Session
from kaizen_api.cli.root import build
from kaizen_worker.commands.demo import _config


@pytest.fixture
def run(redis, server, tmp_path, monkeypatch):
    del redis  # it is empty now
    monkeypatch.setenv("KAIZEN_REDIS_URL", server)
    monkeypatch.setenv("KAIZEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KAIZEN_EMBEDDER", "static")

    def run(*args):
        result = CliRunner().invoke(build(), [str(arg) for arg in args])
        assert result.exit_code == 0, result.stderr
        return result.stdout

    return run


@pytest.mark.parametrize("number", [0, 1, 3])
def test_an_export_is_lines_or_one_document(run, tmp_path, number):
    path = tmp_path / "documents.jsonl"
    path.write_text(
        "".join(json.dumps({"id": f"d{n}", "title": f"T{n}", "text": f"text {n}"}) + "\n" for n in range(number))
    )
    if number:
        run("kb", "add", path)
    lines = [json.loads(line) for line in run("kb", "export").splitlines()]
    assert [line["id"] for line in lines] == [f"d{n}" for n in range(number)]
    assert json.loads(run("kb", "export", "--json")) == {"items": lines}


def test_the_demo_takes_nothing_from_the_environment_that_its_acts_hang_on(tmp_path, monkeypatch):
    monkeypatch.setenv("KAIZEN_KNOWLEDGE_BASE_PATH", str(tmp_path / "mine"))
    monkeypatch.setenv("KAIZEN_TENANT", "mine")
    monkeypatch.setenv("KAIZEN_HOLD_OUT", "0")
    monkeypatch.setenv("KAIZEN_ENABLE_GAP_FILL", "false")
    monkeypatch.setenv("KAIZEN_USE_CELERY_TASKS", "false")
    config = _config(Session(), tmp_path / "demo")
    assert config.knowledge_base_path == tmp_path / "demo" / "knowledge"
    assert (config.tenant, config.hold_out, config.enable_gap_fill, config.use_celery_tasks) == (
        "default",
        0.2,
        True,
        True,
    )
