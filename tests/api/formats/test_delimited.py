"""CSV and TSV."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_api import formats
from kaizen_api.errors import Invalid
from kaizen_api.formats.rows import Rows
from kaizen_api.formats.source import MAX_RECORD_BYTES, Source

CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from('",\n\t x'), max_size=12)


def written(rows, delimiter=",", ending="\r\n"):
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator=ending).writerows(rows)
    return buffer.getvalue()


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=6),
    st.sampled_from(",\t"),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_writer_writes_comes_back(rows, delimiter, ending):
    rows = [row for row in rows if "".join(row).strip()]
    log = written(rows, delimiter, ending).encode()
    read = list(Rows(Source(io.BytesIO(log), name="log"), delimiter).read())
    assert [row.cells for row in read] == rows
    assert not read or read[-1].end == len(log)


def test_each_column_becomes_its_field(taken, told):
    header = [
        *("id", "Query", "response", "occurred_at", "session_id", "user_id", "response_time", "error", "feedback"),
        *("consciousness_level", "critics", "critics.tone", "accepted", "entry_ids", "model", "tool"),
        *("metadata", "metadata.plan", "Language"),
    ]
    row = [
        *("i1", "How?", "So.", "2026-01-31 09:30:00", "s1", "u1", "1.5", "timeout", "-0.5"),
        *("0.75", '{"depth": 1}', "0.5", "no", '["e1", "e2"]', "m", "t"),
        *('{"a": [1]}', "pro", "en"),
    ]
    (interaction,) = taken(written([header, row]))
    assert interaction.id == "i1"
    assert told(interaction) == {
        "query": "How?",
        "response": "So.",
        "occurred_at": datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
        "session_id": "s1",
        "user_id": "u1",
        "response_time": 1.5,
        "error": "timeout",
        "feedback": -0.5,
        "consciousness_level": 0.75,
        "critics": {"depth": 1.0, "tone": 0.5},
        "accepted": False,
        "entry_ids": ["e1", "e2"],
        "model": "m",
        "tool": "t",
        "metadata": {"a": [1], "plan": "pro", "Language": "en"},
    }


def test_a_blank_cell_is_absent(taken, told):
    (interaction,) = taken("query,response,response_time,critics.tone,other\nHow?,, ,,\n")
    assert told(interaction) == {"query": "How?"}


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("feedback", "👍", 1.0),
        ("feedback", "thumbs_down", -1.0),
        ("feedback", "0.25", 0.25),
        ("accepted", "TRUE", True),
        ("accepted", "0", False),
        ("entry_ids", "e1; e2", ["e1", "e2"]),
        ("entry_ids", "e1", ["e1"]),
        ("response_time", ".5e1", 5.0),
        ("occurred_at", "1769851800", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("occurred_at", "1769851800000", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("session_id", "007", "007"),
    ],
)
def test_cells_are_read_as_people_write_them(taken, column, cell, value):
    (interaction,) = taken(f"query\t{column}\nHow?\t{cell}\n")
    assert getattr(interaction, column) == value


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("response_time", "fast", "`response_time` is `fast`: give a finite number"),
        ("response_time", "nan", "a finite number"),
        ("response_time", "1e999", "a finite number"),
        ("response_time", "1_000", "a finite number"),
        ("response_time", "-1", "`response_time`"),
        ("feedback", "maybe", "a finite number"),
        ("feedback", "5", "`feedback`"),
        ("accepted", "perhaps", "true or false"),
        ("critics", "{tone}", "`critics.NAME`"),
        ("critics.tone", "7", "`critics"),
        ("metadata", "[1]", "a JSON object"),
        ("entry_ids", "[1]", "JSON array of ids"),
        ("occurred_at", "yesterday", "is no time"),
        ("occurred_at", "9" * 21, "is no time"),
    ],
)
def test_a_cell_that_does_not_fit_is_refused_by_name(outcome, column, cell, reason):
    good, (line, said), also = outcome(f"query\t{column}\na\t\nb\t{cell}\nc\t\n")
    assert (good, line, also) == ("a", 3, "c")
    assert reason in said


def test_a_refusal_shows_no_personal_data(reads):
    (item,) = reads("query,response_time\na,someone@example.org\n")
    assert "[email]" in item.value.reason
    assert "example.org" not in item.value.reason


def test_fields_that_span_lines_count_for_the_line_they_start_on(reads):
    items = reads('query,response\n"a\nb","x ""y"""\nc,d\n')
    assert [(item.line, item.value.query, item.value.response) for item in items] == [
        (2, "a\nb", 'x "y"'),
        (4, "c", "d"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("only one", "1 columns where the header has 2"),
        ("a,b,c", "3 columns where the header has 2"),
        ('"open,b', "never closed"),
        ('"a"b,c', "goes on behind its closing quote"),
        ('x,"open', "never closed"),
    ],
)
def test_a_bad_row_spoils_only_its_line(outcome, line, reason):
    before, (number, said), *after = outcome(f"query,response\nbefore,1\n{line}\nafter,2\nlast,3\n")
    assert (before, number, after) == ("before", 3, ["after", "last"])
    assert reason in said


def test_a_stray_quote_does_not_swallow_the_rows_up_to_the_next_one(outcome):
    log = 'query,response\n"stray,1\nb,2\nc,3\n"d, e",4\nf,5\n'
    (line, _), *rest = outcome(log)
    assert (line, rest) == (2, ["b", "c", "d, e", "f"])


def test_a_quote_is_looked_for_no_farther_than_a_record_reaches(outcome):
    rows = ["x" * 1000 + f",{number}" for number in range(MAX_RECORD_BYTES // 1000 + 100)]
    (line, reason), *rest = outcome("query,response\n" + '"open,1\n' + "\n".join([*rows, 'end",2']))
    assert line == 2
    assert "never closed" in reason
    assert len(rest) == len(rows) + 1
    assert rest[-1] == 'end"'


def test_quotes_are_text_in_tabs_and_single_columns_where_they_do_not_fit(taken):
    assert [item.query for item in taken('query\tresponse\n"Hi" she said\tx\n5" disk\ty\n"open\tz\n')] == [
        '"Hi" she said',
        '5" disk',
        '"open',
    ]
    assert [item.query for item in taken('query\n"Hi, you" she said\nhello, world\n"a, b"\n')] == [
        '"Hi, you" she said',
        "hello, world",
        "a, b",
    ]


def test_a_mark_and_bytes_that_are_no_text(outcome):
    assert outcome(b"\xef\xbb\xbfquery,response\r\na,b\r\n") == ["a"]
    good, (line, reason), last = outcome(b"query,response\na,b\n\xff,b\nc,d\n")
    assert (good, line, last) == ("a", 3, "c")
    assert "save the log as UTF-8" in reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("question,answer", "no column `query`"),
        ("query,model,model", "with the same one \\(model\\)"),
        ("query,Query", "with the same one \\(query\\)"),
        ("query,,model", "without a name"),
        ('query,"model', "the header cannot be read"),
    ],
)
def test_a_header_that_does_not_do_is_said_at_once(reads, header, reason):
    with pytest.raises(Invalid, match=reason):
        reads(f"{header}\na,b,c\n", format="csv")


@pytest.mark.parametrize(("header", "name"), [("id,Query", "csv"), ('"query"', "csv"), ("id\tquery", "tsv")])
def test_the_header_tells_the_format(header, name):
    assert formats.detect(f"{header}\n".encode(), "log") == name
