"""The units are what systemd takes, shut as far as they can be, and start what there is."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from kaizen_api.cli.root import build
from kaizen_api.config import KaizenConfig

OURS = ["kaizen-api", "kaizen-beat", "kaizen-exporter", "kaizen-flower", "kaizen-worker@"]
MOST_EXPOSED = 20  # tenths; systemd calls up to 20 well shut, and a unit without any of this has 96


@pytest.fixture
def units(root, tmp_path):
    """The units as installed, with instances' names, and with this environment's command in the place of /opt's."""
    for file in (root / "ops/systemd").iterdir():
        text = file.read_text().replace("/opt/kaizen/bin/kaizen", str(Path(sys.prefix) / "bin/kaizen"))
        (tmp_path / file.name).write_text(text)
        if "@" in file.name:
            shutil.copy(tmp_path / file.name, tmp_path / file.name.replace("@", "@1"))
    return tmp_path


def words(root, name, key):
    return re.findall(rf"^{key}=(.*)$", (root / f"ops/systemd/{name}.service").read_text(), re.MULTILINE)


def test_systemd_takes_them(tool, units):
    files = sorted(file for file in units.iterdir() if "@." not in file.name)
    assert len(files) == 8
    checked = tool("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *files)
    told = [line for line in checked.stderr.splitlines() if "kaizen" in line]
    assert (checked.returncode, told) == (0, [])


def test_systemd_tells_what_is_wrong_in_them(tool, units):
    """So that the test above can fail."""
    wrong = units / "kaizen-api.service"
    wrong.write_text(wrong.read_text().replace("KillMode=", "KillMod="))
    assert "KillMod" in tool("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", wrong).stderr


@pytest.mark.parametrize("name", OURS)
def test_they_are_well_shut(tool, units, name):
    unit = units / f"{name.replace('@', '@1')}.service"
    checked = tool("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", unit)
    assert checked.returncode == 0, checked.stdout[-200:] + checked.stderr


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_one_of_kaizen(root, name):
    [command] = words(root, name, "ExecStart")
    program, first, *rest = command.replace("%i", "1").split()
    assert program == "/opt/kaizen/bin/kaizen"
    assert build().get_command(None, first).make_context(first, rest)


@pytest.mark.parametrize("name", [*OURS, "kaizen-live@"])
def test_each_setting_is_one_and_each_secret_is_handed_to_whoever_reads_it(root, secrets, name):
    settings = dict(line.split("=", 1) for line in words(root, name, "Environment"))
    known = {f"KAIZEN_{field.upper()}" for field in KaizenConfig.model_fields}
    assert {setting.removesuffix("_FILE") for setting in settings} <= known
    read = {value.removeprefix("%d/") for value in settings.values() if value.startswith("%d/")}
    handed = dict(line.split(":") for line in words(root, name, "LoadCredential"))
    assert set(handed) == read
    assert set(handed) <= {path.name for path in secrets.iterdir()}


def test_the_look_after_a_worker_is_a_call_of_the_doctor(root):
    asked = [line for line in words(root, "kaizen-live@", "ExecCondition") if "kaizen doctor" in line]
    assert len(asked) == 2
    for line in asked:
        rest = re.search(r"kaizen doctor (.*)'$", line.replace("%i", "1"))[1].split()
        assert build().get_command(None, "doctor").make_context("doctor", rest).params["number"] == 1
