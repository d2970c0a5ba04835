"""Six people ask for an analysis at once: real workers do one, and one more for who asks while it runs or after."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from kaizen_api import Interaction, KaizenConfig, Producer, analyses
from kaizen_api.connection import connect
from kaizen_api.queries import Queries
from kaizen_api.stack import Stack, beat, worker


@pytest.mark.timeout(300)
def test_six_asked_for_before_any_begins_are_done_as_one(tmp_path, wait_until):
    config = KaizenConfig(data_dir=tmp_path / "data", embedder="static")
    with Stack(config, log=tmp_path / "log") as stack:
        stack.start()
        with Producer(stack.config) as producer:
            producer.append(Interaction(id=f"i{n}", query=f"question {n % 40}") for n in range(400))
        with ThreadPoolExecutor(6) as pool:
            asked = list(pool.map(lambda _: analyses.request(stack.config, tenant="default").id, range(6)))
        stack.launch([worker(1), worker(2), beat()])
        stack.wait_ready()
        with connect(stack.config) as client:
            queries = Queries(client, tenant="default")

            def ended():
                return [one.id for one in queries.page("cycle").items if one.finished_at]

            wait_until(lambda: asked[0] in ended())
            later = analyses.request(stack.config, tenant="default").id
            wait_until(lambda: later in ended())
            every = {one.id for one in queries.page("cycle").items if not one.id.endswith("beat")}
    assert set(asked) == {asked[0]}
    assert every == {asked[0], later}
