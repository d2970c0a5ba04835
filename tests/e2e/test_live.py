"""Four patterns at once through real workers: each is one insight that the API lists, and one count of its kind."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

SUBJECTS = {
    "garden": "tomato seedlings compost mildew pruning trellis mulch aphids",
    "bicycle": "derailleur brakes saddle spokes gearshift pedals chainring tubeless",
    "baking": "sourdough hydration oven crust proofing flour starter banneton",
    "camera": "aperture shutter lens tripod exposure histogram autofocus flashgun",
    "harbour": "mooring anchor tide ferry pontoon dredging lighthouse customs",
    "violin": "rosin bow vibrato strings luthier bridge pegs etude",
    "payroll": "salary overtime payslip deduction pension bonus taxcode backpay",
    "weather": "barometer drizzle forecast humidity frost gale isobar sunshine",
}
NEW = "quarantine zoonosis jackdaw xylophone quokka vexillology"
USUAL, PLANTED, PART = 3_000, 2_000, 500
DRAW = random.Random(11)


def row(number, words, *, ago, **fields):
    first, second, *others = words.split()
    usual = {
        "id": f"i{number}",
        "query": f"{first} {second} {DRAW.choice(others)}",
        "occurred_at": (datetime.now(UTC) - timedelta(minutes=ago)).isoformat(),
        "user_id": f"u{number}",
        "response_time": DRAW.lognormvariate(0, 0.3),
    }
    return usual | ({"error": "timeout"} if DRAW.random() < 0.02 else {}) | fields


def usual_row(number):
    return row(number, SUBJECTS[DRAW.choice(list(SUBJECTS))], ago=DRAW.uniform(11, 180))


def planted_row(number):
    """The harbour bursts, gardens fail, violins are slow, and one question in ten is of a kind that is new."""
    if DRAW.random() < 0.1:
        return row(number, NEW, ago=0)
    subject = DRAW.choices(list(SUBJECTS), [10 if name == "harbour" else 1 for name in SUBJECTS])[0]
    faults = {"garden": {"error": "quota"}, "violin": {"response_time": 20 + DRAW.random()}}
    return row(number, SUBJECTS[subject], ago=0, **faults.get(subject, {}))


@pytest.mark.timeout(400)
def test_each_planted_pattern_is_one_insight_and_one_count(home_of, http, items, wait_until):
    home = home_of()
    with home.up("--no-flower", "--workers", "2") as (_, state):

        def send(rows):
            for start in range(0, len(rows), PART):
                assert http(state["api"] + "/v1/interactions", rows[start : start + PART])[0] == 202
            health = state["exporter"] + "/kaizen/health"
            wait_until(lambda: json.loads(http(health)[1])["stream"]["depth"] == 0)

        def told():
            found = items(state["api"] + "/v1/insights")
            return {one["subject"]["pattern"]: one for one in found if "pattern" in one.get("subject", {})}

        send([usual_row(number) for number in range(USUAL)])
        assert home.run("analyze", "--wait")["topics"] == len(SUBJECTS)
        assert told() == {}
        send([planted_row(USUAL + number) for number in range(PLANTED)])
        wait_until(lambda: len(told()) == 4)
        insights = told()
        assert {one["status"] for one in insights.values()} == {"proposed"}
        named = {pattern: insights[pattern]["description"] for pattern in insights}
        assert "mooring" in named["burst"]
        assert "tomato" in named["error"]
        assert "rosin" in named["latency"]
        assert "quarantine" in named["new_topic"]
        send([planted_row(USUAL + PLANTED + number) for number in range(PLANTED)])
        assert told() == insights
        text = http(state["exporter"] + "/kaizen/metrics")[1]
        for pattern in insights:
            assert f'kaizen_live_patterns_total{{pattern="{pattern}"}} 1.0' in text
