from importlib.metadata import EntryPoint

import pytest

from kaizen_api import checks
from kaizen_api.checks import Check, run_checks


@pytest.fixture
def joined(monkeypatch):
    """Makes a module's function a check of another package."""

    def join(*targets):
        points = [EntryPoint(name=target, value=target, group="kaizen.checks") for target in targets]
        monkeypatch.setattr(checks, "entry_points", lambda *, group: [one for one in points if one.group == group])

    return join


def found(config):
    return {check.name: check for check in run_checks(config)}


def test_other_packages_join_checks(config, joined, monkeypatch, tmp_path):
    (tmp_path / "joining.py").write_text(
        "from kaizen_api.checks import Check\n"
        "def fine(config): return [Check('beat', ok=True, detail=f'every {config.analysis_interval} s')]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    joined("joining:fine")
    assert found(config)["beat"].detail == "every 3600 s"


def test_a_check_that_cannot_look_fails_alone(config, joined, monkeypatch, tmp_path):
    (tmp_path / "failing.py").write_text(
        "from kaizen_api.errors import Unavailable\ndef broken(config): raise Unavailable('the schedule is away')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    joined("failing:broken", "not_installed:check")
    seen = found(config)
    assert seen["failing:broken"] == Check("failing:broken", ok=False, detail="the schedule is away")
    assert "cannot be loaded" in seen["not_installed:check"].detail
    assert seen["redis"].ok


def test_a_folder_that_cannot_be_written_is_named(config, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    check = found(config.model_copy(update={"data_dir": blocked / "below"}))["data dir"]
    assert not check.ok
    assert "--data-dir" in check.remedy
