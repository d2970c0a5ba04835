"""At any width: ids whole, names in reach, and no name that drives the terminal or forges a line."""

import msgspec
import pytest
from msgspec.structs import replace

from kaizen_api import keys
from kaizen_api.cli.output import table
from kaizen_api.schema import Cycle, Topic

AT = 1_700_000_000_000_000
HOSTILE = "file\u202egnp.exe\x1b[2J\nerror: forged \u2066 \x9b31m"
LONG = "The error rate in 'reset of the card PIN' is 18 % (95 %: 11 % to 28 %), over the limit of 5.0 %: 19 errors."
LISTS = ["topics", "insights", "gaps", "effects", "tenants", "breaker", "schedule", "config", "dead-letters"]
SHOWS = [
    ("topics",), ("insights",), ("gaps",), ("effects",), ("topics", "show", "t1"), ("topics", "kinds"),
    ("insights", "show", "i0123456789abcdef"), ("gaps", "show", "g0123456789abcdef"), ("kb", "search", "pin"),
    ("effects", "show", "i0123456789abcdef"), ("analyze", "--list"), ("topics", "show", "t1", "--history"),
]  # fmt: skip


@pytest.fixture
def filled(redis, put, found):
    """One of everything, under an id of full length, called by that name."""

    def fill(name):
        topic = Topic(id="t1", name=name, size=1234, failure_rate=0.25, exemplars=[name], share=0.6, users=70)
        redis.hset(keys.snapshot("default"), "topics", msgspec.msgpack.encode([topic]))
        put(
            "insight",
            found("insight", id="i0123456789abcdef", description=name, recommendation=name, gap="g0123456789abcdef"),
        )
        put("gap", found("gap", id="g0123456789abcdef", queries=[name]))
        put("effect", found("effect", id="i0123456789abcdef", insight="i0123456789abcdef"))
        put("entry", found("entry", title=name))
        cycle = Cycle(id="y642ab1c3d4e5f", tenant="default", status="failed", error=name, requested_at=AT)
        put("cycle", replace(cycle, kinds={name: 3}))

    return fill


@pytest.mark.parametrize("columns", [60, 80])
def test_ids_are_whole_and_lines_short(kaizen, filled, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    filled(LONG)
    for kind, one in (("topics", "t1"), ("insights", "i0123456789abcdef"), ("gaps", "g0123456789abcdef")):
        shown = kaizen(kind).stdout
        assert one in shown.split(), shown
        assert max(map(len, shown.splitlines())) <= columns
    listed = kaizen("analyze", "--list").stdout
    assert "y642ab1c3d4e5f" in listed.split()
    assert "2023-11-14" in listed.split()


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("kind", LISTS)
def test_no_list_is_wider_than_the_terminal(kaizen, filled, monkeypatch, kind, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    filled(LONG)
    result = kaizen(kind)
    assert result.exit_code == 0, result.stderr
    assert max(map(len, result.stdout.splitlines())) <= columns


@pytest.mark.parametrize("args", SHOWS, ids=" ".join)
def test_no_name_drives_the_terminal_or_begins_a_line(kaizen, filled, args):
    filled(HOSTILE)
    result = kaizen(*args)
    assert result.exit_code == 0, result.stderr
    assert not set(result.stdout) & set("\x1b\x9b\u202e\u2066")
    assert not [line for line in result.stdout.splitlines() if line.startswith("error: forged")]


def test_a_table_is_one_where_it_fits_and_blocks_where_it_does_not(capsys, monkeypatch):
    rows = [["i0123456789abcdef", LONG, 3], ["i0123456789abcdee", "short", None]]
    monkeypatch.setenv("COLUMNS", "60")
    table(("id", "what", "count"), rows, empty="none")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["id", "what", "count"]
    monkeypatch.setenv("COLUMNS", "44")
    table(("id", "what", "count"), rows, empty="none")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["id", "i0123456789abcdef"]
    assert [line.split() for line in lines[-2:]] == [["id", "i0123456789abcdee"], ["what", "short"]]
