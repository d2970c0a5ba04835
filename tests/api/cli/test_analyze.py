"""What an analysis is told to have brought."""

import pytest

from kaizen_api.cli.analyze import describe


@pytest.mark.parametrize(("gaps", "told"), [(4, True), (0, False)])
def test_where_there_are_gaps_it_says_where_they_are_listed(gaps, told):
    text = describe({"finished_at": 1, "interactions": 60, "topics": 5, "gaps": gaps, "insights": 0})
    assert f"{gaps} gaps, 0 findings; `kaizen insights` lists those stored" in text
    assert ("`kaizen gaps` lists the gaps" in text) is told
