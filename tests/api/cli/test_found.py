"""Lists of what Kaizen found."""

import re

import pytest

from kaizen_api import keys


@pytest.mark.parametrize("kind", ["topics", "insights", "gaps", "effects"])
def test_an_empty_list_says_so(kaizen, kaizen_json, kind):
    assert kaizen_json(kind) == {"items": [], "next": None}
    assert kaizen(kind).stdout.startswith("no ")


@pytest.mark.usefixtures("topics")
def test_topics_are_listed(kaizen, kaizen_json):
    assert [topic["id"] for topic in kaizen_json("topics")["items"]] == ["t1", "t2"]
    assert [topic["id"] for topic in kaizen_json("topics", "--limit", "1")["items"]] == ["t1"]
    lines = kaizen("topics", "list").stdout.splitlines()
    assert lines[1].split()[:3] == ["t1", "card", "pin"]


def test_insights_are_filtered(kaizen_json, put, found):
    put("insight", found("insight"), rank=3)
    put("insight", found("insight", id="i2", status="applied"), rank=2)
    put("insight", found("insight", id="i3", type="gap"), rank=1)

    def ids(*args):
        return [shown["id"] for shown in kaizen_json("insights", *args)["items"]]

    assert ids() == ["i1", "i2", "i3"]
    assert ids("--status", "proposed") == ["i1", "i3"]
    assert ids("--type", "gap", "--status", "proposed") == ["i3"]
    assert ids("list", "--status", "applied") == ["i2"]


def test_pages_go_on_where_the_last_one_ended(kaizen, kaizen_json, put, found):
    for number in range(5):
        put("insight", found("insight", id=f"i{number}"), rank=-number)
    first = kaizen_json("insights", "--limit", "2")
    second = kaizen_json("insights", "--limit", "3", "--cursor", first["next"])
    assert [shown["id"] for shown in first["items"] + second["items"]] == ["i0", "i1", "i2", "i3", "i4"]
    assert second["next"] is None
    assert f"more: --cursor {first['next']}" in kaizen("insights", "--limit", "2").stdout


def test_a_cursor_of_ours_is_needed(kaizen):
    result = kaizen("insights", "--cursor", "x")
    assert result.exit_code == 1
    assert "`next` of the page before" in result.stderr


def test_tenants_are_kept_apart(redis, kaizen_json, put, found):
    put("insight", found("insight"))
    redis.sadd(keys.TENANTS, "acme")
    assert kaizen_json("insights", "--tenant", "acme")["items"] == []


def test_a_tenant_that_never_sent_anything_is_told_of(kaizen):
    result = kaizen("insights", "--tenant", "acmee")
    assert result.exit_code == 1
    assert "no such tenant acmee: `kaizen tenants` lists them" in result.stderr


def rows(result):
    """The lines of a table, each as its cells."""
    assert result.exit_code == 0, result.stderr
    return [re.split(r"\s{2,}", line.strip()) for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("topics")
def test_shares_are_in_per_cent(kaizen, put, found):
    put("insight", found("insight"))
    assert rows(kaizen("topics"))[1] == ["t1", "card pin", "60", "60.0%", "50.0%", "9"]
    assert rows(kaizen("insights"))[1] == ["i1", "performance", "proposed", "93.0%", "slow answers"]


@pytest.mark.usefixtures("topics")
def test_gaps_have_the_name_of_their_topic_and_a_deficit_in_points(kaizen, kaizen_json, put, found):
    put("gap", found("gap"), rank=2)
    put("gap", found("gap", id="g2", topic="t9"), rank=1)
    _, first, second = rows(kaizen("gaps"))
    assert first == ["g1", "t1", "card pin", "stale", "open", "4", "+30.0 points", "90.0%"]
    assert second[:4] == ["g2", "t9", "(gone)", "stale"]
    assert kaizen_json("gaps")["items"][0]["deficit"] == 0.3
    assert kaizen_json("gaps", "--status", "filled")["items"] == []
    assert kaizen_json("gaps", "--status", "open")["items"][0]["id"] == "g1"


def test_a_gap_that_a_person_asked_to_fill_has_no_topic(kaizen, put, found):
    put("gap", found("gap", topic=""))
    assert "(gone)" not in kaizen("gaps").stdout


@pytest.mark.usefixtures("topics")
def test_effects_have_the_name_of_their_topic_and_the_difference_with_its_interval(kaizen, kaizen_json, put, found):
    put("effect", found("effect"))
    put("insight", found("insight", status="confirmed"))
    difference = "-37.5 points (95 % interval -50.0 to -25.0)"
    assert rows(kaizen("effects"))[1] == ["i1", "t1", "card pin", "confirmed", difference, "80", "20", "0.004"]
    assert kaizen_json("effects", "--verdict", "confirmed")["items"][0]["applied_at"] == "2023-11-14T22:13:20Z"
    assert kaizen_json("effects", "--verdict", "harmful")["items"] == []


@pytest.mark.usefixtures("topics")
def test_an_effect_of_what_was_reverted_says_so(kaizen, put, found):
    put("effect", found("effect"), rank=2)
    put("effect", found("effect", id="i2", insight="i2"), rank=1)
    put("effect", found("effect", id="i3", insight="i3"), rank=0)
    put("insight", found("insight", status="reverted"))
    put("insight", found("insight", id="i2", status="applied"))
    assert [row[3] for row in rows(kaizen("effects"))[1:]] == ["confirmed, reverted", "confirmed", "confirmed"]
