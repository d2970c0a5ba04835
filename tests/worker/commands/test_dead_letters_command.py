"""`kaizen dead-letters`."""

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.schema import Record

DEAD, STREAM = keys.dead("default"), keys.stream("default")


@pytest.fixture
def bury(redis):
    """Puts something among the dead letters; gives its id."""

    def bury(query="a", reason="Traceback\n  at line 1\nValueError: no", raw=None):
        record = msgspec.msgpack.encode(Record(id=query, occurred_at=1, query=query)) if raw is None else raw
        return redis.xadd(DEAD, {"r": record, "reason": reason, "attempts": 3}).decode()

    return bury


def test_they_are_listed_with_the_last_line_of_the_reason(command, command_json, bury):
    letter = bury("where is \x9b31m my card")
    lines = command("dead-letters").stdout.splitlines()
    assert lines[1].split()[:4] == [letter, "3", "ValueError:", "no"]
    assert "where is my card" in " ".join(lines[1].split())
    assert command_json("dead-letters")["items"][0]["interaction"]["query"] == "where is \x9b31m my card"


def test_what_cannot_be_decoded_or_has_no_reason_is_listed_too(command, bury):
    bury(raw=b"\xff", reason="")
    result = command("dead-letters", "list")
    assert result.exit_code == 0, result.exception
    assert "(cannot be decoded)" in result.stdout


def test_without_any_it_says_so(command, command_json):
    assert command("dead-letters").stdout == "no dead letters\n"
    assert command_json("dead-letters", "replay", "--all") == {"replayed": 0}


def test_one_is_replayed_and_another_dropped(command, command_json, bury, redis):
    first, second, third = bury("a"), bury("b"), bury("c")
    assert command("dead-letters", "replay", first, first).stdout == "1 back in the stream\n"
    assert command_json("dead-letters", "drop", second) == {"dropped": 1}
    assert [entry.decode() for entry, _ in redis.xrange(DEAD)] == [third]
    assert redis.xlen(STREAM) == 1
    assert command_json("dead-letters", "replay", "--all") == {"replayed": 1}
    assert (redis.xlen(DEAD), redis.xlen(STREAM)) == (0, 2)


@pytest.mark.parametrize("step", ["replay", "drop"])
@pytest.mark.parametrize("unknown", ["UNKNOWN", "1-1", "-", "+", "1", "9" * 40 + "-1", "(1-1", ""])
def test_an_unknown_one_fails_and_nothing_is_touched(command, command_json, bury, redis, step, unknown):  # noqa: PLR0913, PLR0917  # fixtures
    letter = bury()
    result = command("dead-letters", step, letter, "--", unknown)
    assert result.exit_code == 1, result.exception
    assert result.stderr == f"error: no dead letter {unknown}: `kaizen dead-letters` lists them\n"
    assert "no dead letter" in command_json("dead-letters", step, "--", letter, unknown, status=1)["error"]
    assert (redis.xlen(DEAD), redis.xlen(STREAM)) == (1, 0)


@pytest.mark.parametrize("step", ["replay", "drop"])
@pytest.mark.parametrize("given", [[], ["1-1", "--all"]])
def test_neither_or_both_is_misuse(command, step, given):
    result = command("dead-letters", step, *given)
    assert result.exit_code == 2
    assert "name dead letters by id, or take --all" in result.stderr


@pytest.mark.parametrize("step", [["list"], ["replay", "--all"], ["drop", "--all"]], ids=" ".join)
def test_a_tenant_that_never_sent_anything_is_told_of(command, redis, step):
    result = command("dead-letters", *step, "--tenant", "acmee")
    assert result.exit_code == 1
    assert "no such tenant acmee: `kaizen tenants` lists them" in result.stderr
    redis.sadd(keys.TENANTS, "acmee")
    assert command("dead-letters", *step, "--tenant", "acmee").exit_code == 0
