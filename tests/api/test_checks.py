import socket
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from kaizen_api import checks
from kaizen_api.checks import Check, check_live, parts, run_checks
from kaizen_api.liveness import leave_sign


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


@pytest.fixture
def data_dir(config):
    return lambda folder: found(config.model_copy(update={"data_dir": folder}))["data dir"]


def test_a_folder_that_cannot_be_created_is_named(data_dir, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    check = data_dir(blocked / "below")
    assert not check.ok
    assert check.detail.startswith(f"{blocked / 'below'} cannot be created: {blocked} takes no file")
    assert "--data-dir" in check.remedy


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc on this system")
@pytest.mark.parametrize(("folder", "done"), [("/proc/x", "created"), ("/proc/x/y", "created"), ("/proc", "written")])
def test_permissions_alone_make_no_folder(data_dir, folder, done):
    """The administrator may write there, by permissions."""
    check = data_dir(Path(folder))
    assert not check.ok
    assert check.detail.startswith(f"{folder} cannot be {done}: ")
    assert "KAIZEN_DATA_DIR" in check.remedy


def test_looking_at_a_folder_changes_nothing(data_dir, tmp_path):
    for folder in (tmp_path, tmp_path / "not" / "yet"):
        check = data_dir(folder)
        assert check.ok
        assert check.detail.endswith("GB free")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("broker", [None, "unreachable"])
def test_without_redis_the_broker_is_away_too(config, tmp_path, broker):
    here = f"unix://{tmp_path}/none.sock"
    away = config.model_copy(update={"redis_url": here, "broker_url": here if broker else None})
    seen = found(away)
    assert not seen["server"].ok
    assert not seen["broker"].ok
    assert found(config)["broker"] == Check("broker", ok=True, detail="that of redis")


def test_one_part_alone_is_looked_at(config):
    assert [check.name for check in run_checks(config, only=("beat",))] == ["beat"]
    assert [check.name for check in run_checks(config, only=("stream", "broker"))] == [
        "broker",
        "stream",
        "dead letters",
    ]
    assert {"server", "beat", "stream", "engine"} <= set(parts())


def test_the_probe_of_one_worker_tells_of_no_other(config, redis):
    here = socket.gethostname()
    leave_sign(redis, f"kaizen1@{here}")
    leave_sign(redis, f"kaizen12@{here}")
    assert [check.name for check in check_live(config, number=1)] == [f"kaizen1@{here}"]
    assert len(check_live(config)) == 2
    [absent] = check_live(config, number=2)
    assert not absent.ok
