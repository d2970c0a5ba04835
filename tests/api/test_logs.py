"""Log lines as JSON: one object each, with what they are about, and nobody's data."""

import io
import json
import logging

import pytest

from kaizen_api.logs import JsonLines, dress


@pytest.fixture
def line():
    """The line of a record, read as a machine reads it."""

    def write(message, *arguments, error=None, subject=dict):
        told = (type(error), error, None) if error else None
        record = logging.LogRecord("kaizen.x", logging.WARNING, __file__, 1, message, arguments, told)
        record.created = 1_767_225_600.25
        text = JsonLines(subject).format(record)
        assert "\n" not in text
        return json.loads(text)

    return write


def test_a_line_says_when_how_grave_who_and_what(line):
    assert line("%d of %s", 3, "them") == {
        "at": "2026-01-01T00:00:00.250000Z",
        "level": "warning",
        "logger": "kaizen.x",
        "message": "3 of them",
    }


def test_it_names_what_it_is_about(line):
    about = {"job": "kaizen.analyze", "tenant": "acme", "cycle_id": "c1"}
    assert about.items() <= line("begins", subject=lambda: about).items()


def test_whatever_stands_in_it_stays_one_line_without_personal_data(line):
    told = line("first\nsecond \x00 %s", "jane.doe@example.com", error=ValueError("card 4111 1111 1111 1111\nrefused"))
    assert "jane" not in told["message"]
    assert "4111" not in told["error"]
    assert "ValueError" in told["error"]


def test_people_keep_their_lines_unless_the_settings_say_otherwise(config):
    handler = logging.StreamHandler()
    dress([handler], config)
    assert handler.formatter is None
    dress([handler], config.model_copy(update={"log_format": "json"}))
    assert isinstance(handler.formatter, JsonLines)


def test_a_message_for_people_is_one_line_that_nothing_turns_round(config):
    handler = logging.StreamHandler(io.StringIO())
    dress([handler], config)
    handler.handle(
        logging.LogRecord("kaizen.x", logging.INFO, __file__, 1, "tool %s", ("a\nforged\x1b[2J\u202e",), None)
    )
    assert handler.stream.getvalue() == "tool a forged\N{REPLACEMENT CHARACTER}\n"
