import httpx
import pytest
from msgspec.structs import replace

from kaizen_api.errors import Conflict, NotFound
from kaizen_api.http import create_app
from kaizen_api.knowledge import Hit
from kaizen_api.schema import Insight, Interval, Provenance, Topic

NONE = Interval(estimate=0.2, low=0.1, high=0.3, unit="share")


TOPIC = Topic(id="t1", name="card pin", size=10, failure_rate=0.5, exemplars=["reset my pin"])


def insight(insight_id="i1", **fields):
    settled = {
        "type": "gap",
        "description": "nobody answers this",
        "confidence": 0.9,
        "effect": NONE,
        "evidence": ["a"],
        "recommendation": "write it down",
    }
    return Insight(id=insight_id, **{**settled, **fields})


class SmallEngine:
    """An engine with one insight and one entry a tenant, which remembers what it was asked."""

    def __init__(self):
        self.insights = {"acme": insight("i1"), "globex": insight("g1")}
        self.asked = []
        self.failure = None

    def knowledge(self, tenant, query, *, session_id, limit):
        self._ask(tenant, query, session_id, limit)
        where = Provenance(source="import", retrieved_at=1_700_000_000_000_000, content_hash="00")
        return [Hit(id="e1", title="PIN", text=f"for {tenant}", score=0.5, provenance=where)][:limit]

    def guidance(self, tenant, query):
        return [f"be kind to {tenant}"] if query else []

    def apply(self, tenant, insight_id):
        return self._step(tenant, insight_id, "applied")

    def dismiss(self, tenant, insight_id, reason):
        if self._of(tenant, insight_id).status == "applied":
            raise Conflict("insight i1 is applied: revert it first")
        self._ask(tenant, insight_id, reason)
        return self._step(tenant, insight_id, "dismissed")

    def revert(self, tenant, insight_id):
        return self._step(tenant, insight_id, "reverted")

    def rename(self, tenant, topic_id, name):
        self._ask(tenant, topic_id, name)
        if name == "taken":
            raise Conflict("topic t2 is called 'taken' already: choose another name, or merge the two")
        return replace(TOPIC, id=topic_id, name=name or "automatic", renamed=name is not None)

    def merge(self, tenant, topic_id, into):
        self._ask(tenant, topic_id, into)
        return replace(TOPIC, id=into, merged=[topic_id])

    def split(self, tenant, topic_id):
        self._ask(tenant, topic_id)
        return replace(TOPIC, id=topic_id)

    def _ask(self, *question):
        if self.failure is not None:
            raise self.failure
        self.asked.append(question)

    def _of(self, tenant, insight_id):
        found = self.insights[tenant]
        if found.id != insight_id:
            raise NotFound(f"no insight {insight_id}")
        return found

    def _step(self, tenant, insight_id, status):
        self.insights[tenant] = replace(self._of(tenant, insight_id), status=status)
        return self.insights[tenant]


@pytest.fixture
def engine():
    return SmallEngine()


@pytest.fixture
async def serve(engine):
    """Makes a client of an application with a configuration; everything is closed in the end."""
    closing = []

    async def start(config, *, base_url="http://127.0.0.1:8080", headers=None):
        app = create_app(config, engine)
        lifespan = app.router.lifespan_context(app)
        await lifespan.__aenter__()
        closing.append(lifespan)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers)
        closing.append(client)
        return client

    yield start
    for each in reversed(closing):
        await each.__aexit__(None, None, None)


@pytest.fixture
async def client(serve, api_config):
    return await serve(api_config)
