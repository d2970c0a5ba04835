"""The example of the README with everything real behind it: an assistant asks, answers and tells, and that is proof."""

import re
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn

from kaizen_api import Interaction, KaizenConfig, Producer
from kaizen_api.http import create_app
from kaizen_api.queries import Queries
from kaizen_worker.engine import fill, lifecycle
from kaizen_worker.engine.knowledge import LookUp
from kaizen_worker.pipeline.effect import held_out

README = Path(__file__).parents[3] / "README.md"


@pytest.fixture
def asking(settings, tenant):
    """The settings of an application that asks an API with the engine behind it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        app = create_app(settings, LookUp(tenant.runtime))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield KaizenConfig(**{**settings.to_legacy_dict(), "api_url": f"http://127.0.0.1:{listening.getsockname()[1]}"})
        server.should_exit = True
        thread.join()


@pytest.fixture
def applied(tenant, push, analyse, redis, wait_until):
    """An insight that let entries in, and a question of its topic."""
    push()
    _, (gap, *_) = analyse()
    fill.fill(tenant, gap)
    lifecycle.apply(tenant, tenant.gaps.get(gap).insight, at=1_700_100_000_000_000)
    question = Queries(redis, tenant="default").topic(tenant.gaps.get(gap).topic).exemplars[0]
    asking = LookUp(tenant.runtime)
    wait_until(lambda: asking.knowledge("default", question, session_id=None, limit=1))  # a fifth of a second
    return tenant.gaps.get(gap).insight, question


def test_who_goes_without_is_who_the_proof_counts_so(asking, applied, analyse, tenant, settings):
    insight, question = applied
    later = datetime.fromtimestamp(1_700_100_001, UTC)
    without = set()
    with Producer(asking) as kaizen:
        for number in range(120):
            session = f"later{number}"
            given = kaizen.knowledge(question, session_id=session)
            assert kaizen.knowledge(question, session_id=session) == given, "a conversation stays where it is"
            if not given.entries:
                without.add(session)
            kaizen.push(
                Interaction(
                    query=question,
                    id=f"l{number}",
                    session_id=session,
                    entry_ids=given.entry_ids,
                    occurred_at=later + timedelta(seconds=number),
                )
            )
        assert kaizen.knowledge(question).entries, "who names no conversation is in no comparison"
    assert without == {f"later{n}" for n in range(120) if held_out(f"later{n}", insight, settings.hold_out)}
    assert 0 < len(without) < 60
    analyse()
    effect = tenant.effects.get(insight)
    assert (effect.exposed, effect.held_out) == (120 - len(without), len(without))


def test_the_example_of_the_readme_runs(asking, applied, redis, monkeypatch, tmp_path):
    del applied
    (example,) = re.findall(r"```python\n([^`]*kaizen\.knowledge\([^`]*)```", README.read_text("utf-8"))
    monkeypatch.chdir(tmp_path)
    for name in ("redis_url", "api_url"):
        monkeypatch.setenv(f"KAIZEN_{name.upper()}", getattr(asking, name))
    told = {"question": "How do I freeze my stolen card?", "conversation": "s1", "ask_model": lambda *given: str(given)}
    before = redis.xlen("kz:{default}:stream")
    exec(example, told)  # our own text
    assert told["given"].entries
    assert redis.xlen("kz:{default}:stream") == before + 1
