"""`kaizen topics kinds`: ratios with their counts, of a tenant and of all together."""

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.schema import Cycle

AT = 1_700_000_000_000_000


@pytest.fixture
def analysed(redis):
    def analysed(tenant, at=AT, status="done", **kinds):
        cycle = Cycle(id=f"c{at}", tenant=tenant, status=status, requested_at=at, kinds=kinds)
        redis.sadd(keys.TENANTS, tenant)
        redis.hset(keys.objects(tenant, "cycle"), cycle.id, msgspec.msgpack.encode(cycle))
        redis.zadd(keys.order(tenant, "cycle"), {cycle.id: at})

    return analysed


def cells(result):
    assert result.exit_code == 0, result.stderr
    return [line.split() for line in result.stdout.splitlines()]


def test_nothing_analysed_has_no_kinds(kaizen, kaizen_json):
    assert kaizen_json("topics", "kinds")["own"] == {"interactions": 0, "kinds": [], "analysed_at": None}
    assert kaizen("topics", "kinds").stdout == "no kinds yet: `kaizen analyze` counts them\n"


def test_the_kinds_of_the_last_analysis_have_counts_and_shares(kaizen, kaizen_json, analysed):
    analysed("default", question=1, statement=9)
    analysed("default", at=AT + 1, question=60, creation=20)
    analysed("default", at=AT + 2, status="failed")
    rows = cells(kaizen("topics", "kinds"))
    assert rows[:3] == [["kind", "interactions", "share"], ["question", "60", "75.0%"], ["creation", "20", "25.0%"]]
    assert " ".join(rows[3]) == "of 80 interactions, analysed 2023-11-14 23:13:20 CET"
    found = kaizen_json("topics", "kinds")
    assert found["own"] == found["total"]
    assert found["own"]["kinds"][1] == {"kind": "creation", "interactions": 20, "share": 0.25}


def test_all_tenants_are_added_up_beside_ones_own(kaizen, kaizen_json, analysed):
    analysed("default", question=60, creation=20)
    analysed("acme", question=20, follow_up=100)
    rows = cells(kaizen("topics", "kinds", "--tenant", "default"))
    assert rows[1:4] == [
        ["follow_up", "0", "0.0%", "100", "50.0%"],
        ["question", "60", "75.0%", "80", "40.0%"],
        ["creation", "20", "25.0%", "20", "10.0%"],
    ]
    assert kaizen_json("topics", "kinds", "--tenant", "acme")["own"]["interactions"] == 120
    assert kaizen_json("topics", "kinds")["total"]["interactions"] == 200
