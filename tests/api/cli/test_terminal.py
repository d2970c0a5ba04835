"""Nothing that drives a terminal gets out, through whichever door it came in."""

import json
import re
import time

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from kaizen_api.cli.options import Session
from kaizen_api.cli.output import details, echo, emit, note, table
from kaizen_api.cli.root import build
from kaizen_api.cli.terminal import as_json, escaped
from kaizen_api.printable import one_line, printable

DRIVES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
PIECES = [
    "\x1b",
    "\x1b[31m",
    "\x9b2J",
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\",
    "\x90q\x9c",
    "\x1b(B",
    "\x07",
    "\x7f",
    "\u202e",
    "\u2066",
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=8).map("".join)
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
SENT = "a\x1b[31mb\x9b2Jc\x1b]0;title\x07d\x00e"


@given(TEXTS)
@example("".join(map(chr, range(0xA0))))
@example("\x1b\x1b[1m[2J")
def test_no_control_survives_but_newlines_and_tabs(text):
    shown = printable(text)
    assert not DRIVES.search(shown)
    assert printable(shown) == shown
    shown.encode()


@given(
    st.text(
        st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=TURNS) | st.sampled_from("\n\t"), max_size=60
    )
)
def test_what_drives_nothing_stays_as_it_is(text):
    assert printable(text) == text


@given(st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)))
def test_json_says_the_same_without_them(document):
    line = as_json(document)
    assert not DRIVES.search(line)
    assert "\n" not in line
    assert json.loads(line) == document
    assert escaped(line) == line


def test_whole_sequences_go_and_leave_no_remains():
    assert printable(SENT) == "abcd\N{REPLACEMENT CHARACTER}e"


@pytest.mark.parametrize("hostile", ["\x90", "\x9d", "\x1b]", "\x1b[", "\x9b1", "\x1b "])
def test_a_long_hostile_text_takes_no_time(hostile):
    begun = time.perf_counter()
    assert not DRIVES.search(printable(hostile * 50_000))
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize("wants_json", [False, True])
def test_every_way_to_print_is_safe(capfd, wants_json):
    for text in ("x\x1b[31m\x9b\x07y", "half \udcff a pair", "x\u202egnp.exe\u2066"):
        echo(text)
        note(text)
        table((text,), [[text]], empty=text)
        table((text,), [], empty=text)
        details([(text, [text, text])])
        emit(Session(json=wants_json), {text: text}, lambda shown: [echo(f"{name}: {shown[name]}") for name in shown])
    printed = "".join(capfd.readouterr())
    assert "x" in printed
    assert not DRIVES.search(printed)


@pytest.mark.parametrize(
    "args",
    [
        ("x\x1b[31m",),
        ("gaps", "show", "x\u202e\u2069"),
        ("insights", "show", "x\x9b31m"),
        ("insights", "apply", "x\x1b[31m"),
        ("insights", "x\x1b[31m"),
        ("insights", "--cursor", "x\x1b[31m"),
        ("topics", "--tenant", "x\x1b[31m"),
        ("push", "x\x1b]0;t\x07"),
        ("kb", "show", "x\x1b[31m"),
        ("kb", "verify", "x\x1b[31m"),
        ("breaker", "open", "x\x1b[31m"),
        ("dead-letters", "replay", "x\x1b[31m"),
    ],
)
def test_an_argument_comes_back_without_them(kaizen, args):
    for more in ((), ("--json",)):
        result = kaizen(*args, *more)
        assert isinstance(result.exception, SystemExit)
        assert result.exit_code in {1, 2}
        assert "x" in result.stderr
        assert not DRIVES.search(result.stderr + result.stdout)


@pytest.mark.parametrize(
    "args",
    [
        ("insights", "show", "\udcff"),
        ("gaps", "--cursor", "1:\udcff"),
        ("kb", "search", "caf\udce9"),
        ("breaker", "open", "\udcff"),
        ("insights", "dismiss", "i1", "--reason", "\udcff"),
    ],
)
def test_an_argument_that_is_no_text_is_misuse_or_not_found(kaizen, args):
    result = kaizen(*args, "--json")
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code in {1, 2}
    assert json.loads(result.stdout)["error"]


def test_a_defect_that_is_no_argument_keeps_its_traceback():
    root = build()

    @root.command()
    def broken():
        "\udcff".encode()

    assert isinstance(CliRunner().invoke(root, ["broken"]).exception, UnicodeEncodeError)


def test_a_file_whose_name_is_no_utf8_is_read(kaizen, tmp_path):
    path = tmp_path / "caf\udce9.jsonl"
    path.write_bytes(b'{"query": "a"}\n{broken\n')
    result = kaizen("push", path, "--json")
    assert result.exit_code == 0, result.exception
    document = json.loads(result.stdout)
    assert (document["accepted"], document["refused"]) == (1, 1)
    assert "caf\N{REPLACEMENT CHARACTER}.jsonl:2" in result.stderr


def test_what_is_stored_comes_out_safely(kaizen, redis):
    hostile = {"id": "i\x9b1", "title": "t\x1b[31m", "text": "x\x9b31m"}
    redis.hset("kz:{default}:entry", hostile["id"], msgspec.msgpack.encode({**hostile, "provenance": PROVENANCE}))
    for args in (("kb", "export"), ("kb", "export", "--json"), ("kb", "show", hostile["id"])):
        result = kaizen(*args)
        assert result.exit_code == 0, result.stderr
        assert "x" in result.stdout
        assert not DRIVES.search(result.stdout)


PROVENANCE = {"source": "folder\x9b", "retrieved_at": 1_700_000_000_000_000, "content_hash": "0" * 64}


@given(TEXTS)
def test_a_line_stays_one(text):
    line = one_line(f"a{text}b\n\u2028error: forged")
    assert len(line.splitlines()) == 1
    assert not DRIVES.search(line)
