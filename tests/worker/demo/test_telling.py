"""The demo names its next steps so that they can be typed where it ran."""

import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from kaizen_worker.demo import telling


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program in a folder that the path does not lead to, seen from the folder above."""
    path = tmp_path / "an env" / "bin" / "kaizen"
    path.parent.mkdir(parents=True)
    path.write_text('#!/bin/sh\necho "$@"\n')
    path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return path


@pytest.mark.parametrize(
    ("where", "typed"),
    [(".", "'an env/bin/kaizen'"), ("an env", "bin/kaizen"), ("an env/bin", "./kaizen"), ("elsewhere", None)],
)
def test_it_can_be_typed_as_it_is_told(program, monkeypatch, where, typed):
    Path("elsewhere").mkdir()
    monkeypatch.chdir(where)
    told = telling.typed(program)
    assert told == (typed or f"'{program}'")
    done = subprocess.run(["sh", "-c", f"{told} up"], capture_output=True, text=True, check=True)
    assert done.stdout == "up\n"


def test_where_the_path_leads_to_it_the_name_is_enough(program, monkeypatch):
    monkeypatch.setenv("PATH", str(program.parent))
    assert telling.typed(program) == "kaizen"


def test_another_one_of_that_name_on_the_path_is_not_meant(program, tmp_path, monkeypatch):
    other = tmp_path / "other" / "kaizen"
    other.parent.mkdir()
    shutil.copy(program, other)
    monkeypatch.setenv("PATH", str(other.parent))
    assert telling.typed(program) == "'an env/bin/kaizen'"


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("argv", ["an env/bin/kaizen", "somewhere/__main__.py"])
def test_the_next_steps_name_the_program_that_runs(monkeypatch, argv):
    monkeypatch.setattr(sys, "argv", [argv])
    monkeypatch.setattr(sys, "executable", str(Path("an env/bin/python").absolute()))
    out = StringIO()
    telling.tell_next(Console(file=out, width=112), insight="i1", seconds=61.2)
    lines = out.getvalue().splitlines()
    assert [line.strip() for line in lines if "kaizen" in line][1].startswith("'an env/bin/kaizen' insights show i1  ")
    assert lines[-1].strip() == "61 s"
