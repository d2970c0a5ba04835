"""One round of pushing and analysing, by whichever version of Kaizen is on the path; prints what that version sees.

Arguments: the first number, and how many to push.
"""

import asyncio
import json
import sys

import kaizen_api
from kaizen_api import Interaction, KaizenConfig, Producer
from kaizen_api.connection import connect
from kaizen_api.queries import Queries
from kaizen_worker.engine import KaizenEngine

STEPS = ("reset the PIN of", "block", "order")
KINDS = ("insight", "gap", "cycle")


def interaction(number):
    query = f"How do I {STEPS[number % 3]} card {number}?"
    error = None if number % 3 else "timeout"
    return Interaction(id=str(number), query=query, session_id=str(number), user_id=str(number), error=error)


def look(config):
    with connect(config) as redis:
        queries = Queries(redis, tenant=config.tenant)
        return {
            "from": kaizen_api.__file__,
            "topics": [one.id for one in queries.topics()],
            "waits": queries.queue().depth,
            "found": {kind: [one.id for one in queries.page(kind, limit=500).items] for kind in KINDS},
        }


async def main(begin, count):
    config = KaizenConfig.from_env()
    with Producer(config) as producer:
        for number in range(begin, begin + count):
            producer.push(interaction(number))
    async with KaizenEngine(config) as engine:
        cycle = await engine.analyze()
        await engine.get_insights()
    sys.stdout.write(json.dumps({"status": cycle.status, "interactions": cycle.interactions, **look(config)}))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
