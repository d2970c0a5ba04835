"""What imports cannot show: each kind of thing has one place, and the papers tell the truth about the house."""

import ast
import re
import runpy
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for package in ("kaizen_api", "kaizen_worker") for path in (ROOT / package).rglob("*.py"))
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}
LONGEST_FILE = 300


def name(path):
    return str(path.relative_to(ROOT))


def literals(path):
    """String constants that are no docstrings."""
    tree = ast.parse(path.read_text())
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in statements)
    return [node.value for node in constants if isinstance(node.value, str)]


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_only_keys_knows_the_names_of_keys(path):
    if name(path) == "kaizen_api/keys.py":
        return
    assert not [value for value in literals(path) if re.match(r"kz[:{]", value)]


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_only_config_reads_the_environment(path):
    text = path.read_text()
    reads = re.search(r"os\.(environ\.get|environ\[|getenv)|environ\.get\(", text)
    assert not reads or name(path).startswith("kaizen_api/config/"), "take it from KaizenConfig"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_only_the_table_makes_metrics(path):
    text = path.read_text()
    makes = re.search(r"prometheus_client import .*\b(Counter|Gauge|Histogram|Summary)\b", text)
    assert not makes, "add a line to kaizen_api/metrics/table.py"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_no_pattern_repeats_a_group_without_giving_back(path):
    """Python before 3.11.5, Debian 12's among them, matches such patterns wrongly (cpython issue 106052)."""
    assert not re.search(r"\(\?>|\)[*+?]\+", path.read_text())


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_holds_one_idea(path):
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    assert path.stem not in BANNED_NAMES


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_every_silenced_check_names_itself_and_gives_a_reason(path):
    for line in path.read_text().splitlines():
        if "noqa" in line:
            assert re.search(r"# noqa: [A-Z]+\d+(, [A-Z]+\d+)* +(#|-|–) *\S", line), line
        if "type: ignore" in line:
            assert re.search(r"# type: ignore\[[\w, -]+\] +# *\S", line), line


@pytest.mark.parametrize("path", sorted(ROOT.glob("kaizen_*/**/*.lua")), ids=name)
def test_every_script_tells_what_it_takes_and_answers(path):
    head = "\n".join(line for line in path.read_text().splitlines() if line.startswith("--"))
    assert all(word in head for word in ("KEYS", "ARGV", "Reply")) or path.stem == "record"


def test_every_key_stands_in_the_table():
    tree = ast.parse((ROOT / "kaizen_api/keys.py").read_text())
    table = ast.get_docstring(tree) or ""
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions
    assert [function for function in functions if f"| {function} " not in table] == []


def test_the_readme_draws_the_tree_that_is_on_the_disk():
    drawn = re.search(r"```text\n(kaizen_api/.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert drawn, "the README shows the tree in a block that begins with kaizen_api/"
    package, named = "", set()
    for line in drawn[1].splitlines():
        entry = line.split()[0]
        if line.startswith("kaizen_"):
            package = entry
        else:
            named.add(package + entry)
    on_disk = {
        f"{folder}/{path.name}{'/' if path.is_dir() else ''}"
        for folder in ("kaizen_api", "kaizen_worker")
        for path in (ROOT / folder).iterdir()
        if path.name not in {"__init__.py", "__pycache__"}
    }
    assert named == on_disk


def test_the_reference_pages_are_those_that_the_code_gives():
    pages = runpy.run_path(str(ROOT / "docs/make.py"))["pages"]()
    assert pages
    for file, text in pages.items():
        assert (ROOT / "docs" / file).read_text() == text, "run `make docs`"


def test_every_dependency_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        assert re.search(rf'"{re.escape(requirement)}", +# \w', text), f"{requirement}: say what it is for"


def test_the_lock_has_hashes_and_names_no_registry():
    lock = (ROOT / "requirements.lock").read_text()
    assert lock.count("==") <= lock.count("--hash=sha256:")
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock)


def test_nothing_tells_of_one_machine():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("no git checkout here")
    telling = re.compile(r"/(work|farm|root)/(main|shared|\.pyenv|\.library)")
    found = [
        path
        for path in tracked
        if (ROOT / path).suffix in {".py", ".md", ".toml", ".lua", ".html", ".js", ".css", ".lock", ""}
        and (ROOT / path).is_file()
        and telling.search((ROOT / path).read_text(errors="replace"))
    ]
    assert found in ([], ["tests/test_house.py"])
