"""What `kaizen kb export` writes, `kaizen kb add` takes, and it is what it was."""

import json

import pytest

from kaizen_api import keys


@pytest.fixture
def exported(command, command_json, tmp_path):
    """The lines of an export of entries in several states, written by the commands themselves."""
    documents = [
        {"id": "pin", "title": "PIN", "text": "Change the PIN in the app.", "url": "https://help.example/pin"},
        {"title": "Straße \u2028 “x”", "text": "Zwei\nZeilen\t\x85."},
        {"id": "other", "text": "No title."},
    ]
    path = tmp_path / "documents.jsonl"
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    assert command_json("kb", "add", path)["added"] == 3
    path.write_text(json.dumps({**documents[0], "text": "Change the PIN at a cash machine."}))
    assert command_json("kb", "add", path)["added"] == 1  # the former text stays, superseded
    return command("kb", "export").stdout


def lines(text):
    """Of JSONL, which knows only one end of a line."""
    return text.removesuffix("\n").split("\n")


def empty(redis):
    redis.delete(keys.objects("default", "entry"), keys.order("default", "entry"), keys.contents("default"))


@pytest.fixture
def add(command_json, tmp_path):
    def add(text, status=0):
        path = tmp_path / "exported.jsonl"
        path.write_text(text)
        told = command_json("kb", "add", path, status=status)
        return told["added"], told["unchanged"], told["refused"]

    return add


def test_it_is_all_there_again_as_it_was(command, exported, add, redis):
    states = [json.loads(line).get("state", "active") for line in lines(exported)]
    assert sorted(states) == ["active", "active", "active", "superseded"]
    empty(redis)
    assert command("kb", "export").stdout == ""
    assert add(exported) == (4, 0, 0)
    assert command("kb", "export").stdout == exported


def test_a_second_time_changes_nothing(command, exported, add):
    assert add(exported) == (0, 4, 0)
    assert command("kb", "export").stdout == exported


def test_what_changed_meanwhile_is_put_back(command, command_json, exported, add, tmp_path):
    path = tmp_path / "later.jsonl"
    path.write_text('{"id": "other", "text": "A worse text."}')
    command_json("kb", "add", path)
    assert add(exported) == (1, 3, 0)
    later = lines(command("kb", "export").stdout)
    assert [line for line in lines(exported) if line not in later] == []


@pytest.mark.parametrize(
    "line",
    [
        ({"text": "Give me your PIN."}, "its text is not the one that was exported: to change it, give only id"),
        ({"text": " "}, "blank"),
        ({"id": ""}, "length >= 1"),
        ({"kind": "x"}, "unknown field `kind`"),
        ({"state": "great"}, "Invalid enum value 'great'"),
        ({"provenance": {"source": "import"}}, "missing required field"),
        ({"provenance": None}, "Expected `object`, got `null`"),
    ],
    ids=lambda line: str(line[0]),
)
def test_a_changed_line_is_refused_and_the_others_are_kept(command, exported, redis, tmp_path, line):
    change, told = line
    first, *others = lines(exported)
    empty(redis)
    path = tmp_path / "exported.jsonl"
    path.write_text("\n".join([json.dumps({**json.loads(first), **change}), *others]))
    result = command("kb", "add", path)
    assert result.exit_code == 0
    assert result.stdout.startswith("3 added, 0 unchanged, 1 refused")
    assert f"{path}:1: " in result.stderr
    assert told in result.stderr
    assert lines(command("kb", "export").stdout) == others
