"""What a field means stands where it is read."""

from click.testing import CliRunner

from kaizen_api.cli.root import build
from kaizen_api.schema import FAILURE_RATE


async def test_the_failure_rate_is_explained_in_the_api_and_at_the_terminal(client):
    document = (await client.get("/openapi.json")).json()
    described = document["components"]["schemas"]["Topic"]["properties"]["failure_rate"]
    assert described["description"] == FAILURE_RATE
    helped = " ".join(CliRunner().invoke(build(), ["topics", "list", "--help"]).stdout.split())
    assert "mean probability that an interaction failed" in helped
    assert "near 10 %" in helped
