"""What `kaizen kb` does with what it should not take, and what it says of what is there already."""

import json
import socket

import pytest
from click.testing import CliRunner

from kaizen_api import KaizenConfig, keys
from kaizen_api.checks.server import check_beat
from kaizen_api.cli.root import build
from kaizen_api.stack.variables import variables

GOOD = {"title": "PIN", "text": "Change the PIN in the app under Cards."}


@pytest.fixture
def kb(config):
    """Runs `kaizen kb …` and gives its exit code, its JSON and its words."""

    def kb(*arguments):
        result = CliRunner().invoke(build(), ["kb", *arguments, "--json"], env=variables(config))
        return result.exit_code, json.loads(result.stdout), result.stderr

    return kb


@pytest.fixture
def lines(tmp_path):
    def lines(*content):
        path = tmp_path / "documents.jsonl"
        path.write_bytes(b"\n".join(c if isinstance(c, bytes) else json.dumps(c).encode() for c in content))
        return str(path)

    return lines


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"[" * 100_000, "nested too deeply|Expected `object`"),
        (b"\xff\xfe{}", "malformed"),
        ({**GOOD, "state": "active"}, "unknown field"),
        ({**GOOD, "url": "javascript:alert(1)"}, "url begins with javascript"),
        ({"title": "x", "text": " "}, "blank"),
    ],
)
def test_what_is_no_document_is_refused_and_the_others_are_kept(kb, lines, line, told):
    code, told_json, words = kb("add", lines(line, GOOD))
    assert (code, told_json["added"], told_json["refused"]) == (0, 1, 1)
    assert ":1: " in words
    assert any(part in words for part in told.split("|"))


def test_again_it_is_unchanged(kb, lines):
    path = lines(b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), {**GOOD, "id": "own", "text": "Another text."})
    assert kb("add", path)[1]["added"] == 2
    assert {name: kb("add", path)[1][name] for name in ("added", "unchanged")} == {"added": 0, "unchanged": 2}


def test_nothing_to_add_is_a_failure(kb, lines):
    assert kb("add", lines(b""))[0] == 1


def test_a_blank_search_is_misuse(kb):
    code, told, _ = kb("search", "  ")
    assert code == 2
    assert "blank" in told["error"]


@pytest.fixture
def nobody():
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_while_the_embedder_does_not_answer_words_find_entries(config, lines, nobody):
    away = {"embedder": "openai", "embedder_url": f"http://127.0.0.1:{nobody}/v1", "embedder_model": "any"}
    env = variables(KaizenConfig(**{**config.to_legacy_dict(), **away, "embedder_dimensions": 8}))
    CliRunner().invoke(build(), ["kb", "add", lines(GOOD), "--json"], env=env)
    result = CliRunner().invoke(build(), ["kb", "search", "change the PIN", "--json"], env=env)
    assert result.exit_code == 0, result.stdout
    assert [entry["title"] for entry in json.loads(result.stdout)["entries"]] == ["PIN"]


def test_an_entry_is_shown_with_its_text(kb, lines):
    kb("add", lines({**GOOD, "id": "pin"}))
    _, shown, _ = kb("show", "pin")
    assert (shown["text"], shown["state"], shown["provenance"]["source"]) == (GOOD["text"], "active", "import")
    assert kb("show", "absent")[0] == 1


def test_a_person_archives_what_is_there_now(kb, lines):
    kb("add", lines({**GOOD, "id": "pin"}))
    assert kb("rotate")[1]["entries"] == 1
    (name,) = [one["archive"] for one in kb("archives")[1]["items"]]
    kb("add", lines({**GOOD, "id": "pin", "text": "A worse text."}))
    assert kb("restore", name)[1] == {"entries": 1, "changed": 1}
    assert kb("show", "pin")[1]["text"] == GOOD["text"]


def test_an_archive_that_was_lost_comes_back_from_its_copy(command_json, lines, config, tmp_path):
    away = {"archives_url": f"file://{tmp_path}/elsewhere"}
    command_json("kb", "add", lines({**GOOD, "id": "pin"}), **away)
    rotated = command_json("kb", "rotate", **away)
    assert rotated["copied"] == [rotated["archive"]]
    for file in (config.knowledge_base_path / "default").iterdir():
        file.unlink()
    (found,) = command_json("kb", "archives", **away)["items"]
    assert found == {"archive": rotated["archive"], "bytes": None, "copied": True}
    (verdict,) = command_json("kb", "verify", found["archive"], **away)["items"]
    assert (verdict["place"], verdict["good"]) == ("copy", True)
    command_json("kb", "add", lines({**GOOD, "id": "pin", "text": "A worse text."}), **away)
    command_json("kb", "restore", found["archive"], **away)
    assert command_json("kb", "show", "pin", **away)["text"] == GOOD["text"]
    assert [one["place"] for one in command_json("kb", "verify", **away)["items"]] == ["here", "copy"]
    command_json("kb", "verify", "absent", status=1, **away)


def test_a_batch_is_rolled_back_once(kb, lines):
    batch = kb("add", lines({**GOOD, "id": "pin"}))[1]["batch"]
    kb("add", lines({"id": "loan", "title": "Loan", "text": "A loan is paid back in five years."}))
    assert kb("rollback", "--batch", batch, "--source", "import")[1] == {"expired": ["pin"]}
    assert kb("rollback", "--batch", batch)[1] == {"expired": []}
    assert kb("show", "pin")[1]["state"] == "expired"
    assert kb("rollback", "--gap", "g0")[1] == {"expired": []}
    assert kb("show", "loan")[1]["state"] == "active"
    assert kb("rollback")[0] == 2


def test_doctor_misses_beat(config, redis):
    (absent,) = check_beat(config)
    assert not absent.ok
    assert "kaizen beat" in absent.remedy
    redis.set(keys.TICKED, 1, ex=60)
    assert check_beat(config)[0].ok


ONE = {"id": "one", "title": "Return", "text": "You can return what you ordered within 30 days of the delivery."}
OTHER = {"id": "other", "title": "Return", "text": "You can return what you ordered within 14 days of the delivery."}
APART = {"id": "apart", "title": "PIN", "text": "The PIN of a card is changed at any cash machine."}


def disputes(kb):
    return {entry["id"]: entry.get("disputes", []) for entry in kb("export")[1]["items"]}


@pytest.mark.parametrize("files", [[(ONE, OTHER, APART)], [(ONE, APART), (OTHER,)]], ids=["at once", "one by one"])
def test_documents_that_say_otherwise_are_added_and_marked_with_each_other(kb, lines, files):
    told = [kb("add", lines(*content)) for content in files][-1]
    assert told[0] == 0
    assert told[1]["disputes"]["other"] == ["one"]
    assert "other says otherwise than one" in told[2]
    assert disputes(kb) == {"one": ["other"], "other": ["one"], "apart": []}


@pytest.mark.parametrize(("others", "marked"), [(1, True), (3, True), (4, False)])
def test_a_series_of_like_lines_is_no_contradiction(kb, lines, others, marked):
    series = [
        {"id": f"p{n}", "title": "Price", "text": f"One metre of the cable costs {n} euros."} for n in range(others + 1)
    ]
    told = kb("add", lines(*series))[1]
    assert bool(told["disputes"]) is marked
    assert any(disputes(kb).values()) is marked


def test_what_an_import_left_uncompared_is_marked_by_the_next_try(kb, lines, monkeypatch):
    path = lines(ONE, OTHER)
    with monkeypatch.context() as cut:  # as if it had been killed between adding and comparing
        cut.setattr("kaizen_worker.engine.disputes.mark", lambda *_, **__: [])
        kb("add", path)
    assert disputes(kb) == {"one": [], "other": []}
    assert kb("add", path)[1] | {"batch": ""} == {
        "added": 0,
        "unchanged": 2,
        "refused": 0,
        "disputes": {"one": ["other"], "other": ["one"]},
        "batch": "",
    }
    assert disputes(kb) == {"one": ["other"], "other": ["one"]}


def test_a_corrected_document_settles_its_disputes(kb, lines):
    kb("add", lines(ONE, OTHER))
    assert kb("add", lines({**OTHER, "text": ONE["text"] + " Ask for a label."}))[1]["disputes"] == {}
    kept = disputes(kb)
    assert (kept.pop("one"), kept.pop("other")) == ([], [])
    assert list(kept.values()) == [["one"]], "the text that was replaced stays as it was"
    assert [step["event"] for step in kb("show", "one")[1]["history"]][-1] == "settled"


def test_one_of_two_is_taken_out_of_sight_and_brought_back(kb, lines):
    kb("add", lines(ONE, OTHER))
    assert kb("expire", "other")[:2] == (0, {"other": "expired"})
    assert [entry["id"] for entry in kb("search", "return what you ordered")[1]["entries"]] == ["one"]
    assert kb("activate", "other")[:2] == (0, {"other": "active"})
    code, told, _ = kb("expire", "one", "none")
    assert code != 0
    assert "there is no entry none" in told["error"]
    assert kb("show", "one")[1]["state"] == "active", "all or none"
