"""`kaizen breaker`."""

import pytest

from kaizen_worker.breaker import CircuitBreaker


@pytest.fixture
def used(redis):
    """A breaker that somebody has used: closed, after one good call."""
    breaker = CircuitBreaker(name="gap_fill/docs", redis=redis)
    breaker.call(lambda: None)
    return breaker


def line(result):
    assert result.exit_code == 0, result.stderr
    return " ".join(result.stdout.splitlines()[1].split())


@pytest.mark.parametrize("step", ["open", "close"])
@pytest.mark.usefixtures("used")
def test_an_order_is_shown_as_one(command, command_json, step):
    assert line(command("breaker")).startswith("gap_fill/docs closed 0")
    assert command("breaker", step, "gap_fill/docs").exit_code == 0
    stands = {"open": "open", "close": "closed"}[step]
    assert line(command("breaker", "list")).startswith(f"gap_fill/docs {stands} (ordered)")
    (item,) = command_json("breaker")["items"]
    assert (item["state"], item["override"]) == ("closed", stands)
    assert command("breaker", "auto", "gap_fill/docs").stdout == "gap_fill/docs: ordered auto\n"
    assert line(command("breaker")).startswith("gap_fill/docs closed 0")


def test_one_that_opened_by_itself_is_not_ordered(command, redis):
    breaker = CircuitBreaker(name="docs", redis=redis, failure_threshold=1)
    with pytest.raises(ZeroDivisionError):
        breaker.call(lambda: 1 / 0)
    assert line(command("breaker")).startswith("docs open 1")


def test_where_none_was_used_it_says_so(command):
    assert command("breaker").stdout == "no breaker has been used yet\n"


@pytest.mark.parametrize("step", ["open", "close", "auto"])
def test_an_unknown_one_is_an_error_that_says_where_to_look(command, command_json, step):
    result = command("breaker", step, "nobody")
    assert result.exit_code == 1
    assert result.stderr == "error: no breaker nobody: `kaizen breaker list` shows them\n"
    assert "nobody" in command_json("breaker", step, "nobody", status=1)["error"]


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "1e300", "soon"])
@pytest.mark.usefixtures("used")
def test_a_time_that_is_none_is_misuse(command, command_json, seconds):
    assert command("breaker", "open", "gap_fill/docs", "--seconds", seconds).exit_code == 2
    assert command_json("breaker")["items"][0]["override"] is None
