"""The examples of docs/breaker.md run as they stand there, and its table knows every option."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from kaizen_worker.breaker.settings import Settings

PAGE = (Path(__file__).parents[3] / "docs/breaker.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(own_server, monkeypatch, example):
    monkeypatch.setenv("KAIZEN_REDIS_URL", f"unix://{own_server.socket}")
    exec(compile(example, "docs/breaker.md", "exec"), {"__name__": "example"})  # that is what is tested


def test_there_are_examples():
    assert len(EXAMPLES) >= 4


def test_every_option_is_explained():
    table = PAGE.partition("## Options")[2].partition("## Operation")[0]
    assert not [field.name for field in fields(Settings) if f"`{field.name}`" not in table]
