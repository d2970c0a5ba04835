"""An engine on the real server, a log with a topic that nobody can answer, and documents that could."""

from datetime import UTC, datetime

import pytest

from kaizen_api import Interaction, KaizenConfig, Producer, analyses
from kaizen_worker.engine import cycle, live
from kaizen_worker.engine.runtime import Runtime

REFUSAL = "Sorry, I don't have information about that."
SERVED = ["How do I change my address?", "Where can I update my street and city?", "I moved house, change my address"]
UNSERVED = [
    "How do I freeze my stolen card?",
    "Card stolen, freeze it at once",
    "Freeze the card that was stolen please",
]


@pytest.fixture
def documents(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "cards.md").write_text(
        "# Stolen card\n\nTo freeze a stolen card, open the app, choose Cards, then Freeze.\n"
    )
    (folder / "cheese.md").write_text("# Cheese\n\nCheese is made of milk and rennet, and is aged in caves.\n")
    return folder


@pytest.fixture
def settings(config, documents):
    return KaizenConfig(
        redis_url=config.redis_url,
        data_dir=config.data_dir,
        embedder="static",
        documents_path=documents,
        use_celery_tasks=False,
        max_insights_per_cycle=50,
    )


@pytest.fixture
def tenant(settings):
    return Runtime(settings).tenant("default")


@pytest.fixture
def push(settings):
    def push(number=120, *, first=0):
        """Half about a served topic, half about one that is refused and negated; each user asks once."""
        with Producer(settings) as producer:
            producer.append(one for index in range(first, first + number) for one in conversation(index))

    return push


def conversation(index):
    served = index % 2 == 0
    texts = SERVED if served else UNSERVED
    common = {"session_id": f"s{index}", "user_id": f"u{index}"}
    at = 1_700_000_000 + index * 600
    yield Interaction(
        id=f"q{index}",
        query=f"{texts[index % 3]} {'now' * (index % 5)}",
        response="Open Profile, then Address." if served else REFUSAL,
        occurred_at=datetime.fromtimestamp(at, UTC),
        response_time=1.0,
        **common,
    )
    if not served:
        yield Interaction(
            id=f"n{index}",
            query="no, that's not what I asked",
            occurred_at=datetime.fromtimestamp(at + 20, UTC),
            **common,
        )


@pytest.fixture
def analyse(tenant, settings):
    def analyse():
        """Take in what waits and run a cycle; returns it with the gaps to fill."""
        while live.consume(tenant, place="0"):
            pass
        asked = analyses.note(settings, tenant="default")
        due = cycle.analyze(tenant, asked.id)
        return tenant.cycles.get(asked.id), due

    return analyse
