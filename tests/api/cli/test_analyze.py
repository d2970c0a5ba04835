"""What an analysis is told to have brought."""

import pytest

from kaizen_api.cli.analyze import describe


@pytest.mark.parametrize(("gaps", "told"), [(4, True), (0, False)])
def test_where_there_are_gaps_it_says_where_they_are_listed(gaps, told):
    text = describe({"finished_at": 1, "interactions": 60, "topics": 5, "gaps": gaps, "insights": 0})
    assert f"{gaps} gaps, 0 findings; `kaizen insights` lists those stored" in text
    assert ("`kaizen gaps` lists the gaps" in text) is told


@pytest.mark.parametrize(("left_out", "told"), [(0, ""), (250, " (the newest; 250 older ones left out)")])
def test_what_was_too_much_for_one_analysis_is_told(left_out, told):
    brought = {"finished_at": 1, "interactions": 60, "left_out": left_out, "topics": 5, "gaps": 0, "insights": 0}
    assert describe(brought).startswith(f", 60 interactions{told}, 5 topics")
