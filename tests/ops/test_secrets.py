"""ops/secrets.sh: random, once, and readable by the owner of the folder alone."""

import re
import stat


def test_each_is_random_and_kept(tool, root, tmp_path):
    def texts(folder):
        made = tool(str(root / "ops/secrets.sh"), folder)
        assert made.returncode == 0, made.stderr
        return {path.name: path.read_text() for path in folder.iterdir()}

    here, there = texts(tmp_path / "here"), texts(tmp_path / "there")
    assert all(here[name] != there[name] for name in here)
    assert texts(tmp_path / "here") == here
    password = here["redis_password"]
    assert re.fullmatch("[0-9a-f]{48}", password)
    assert f">{password} " in here["redis_acl"]
    assert here["redis_url"] == f"redis://kaizen:{password}@redis:6379/0\n"


def test_only_the_owner_gets_into_the_folder_and_a_container_reads_the_files(secrets):
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == {0o444}
