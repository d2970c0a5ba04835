"""One cycle in a process of its own, as a worker runs it: `python fresh_cycle.py SETTINGS.json`."""

import json
import resource
import sys
import time

from kaizen_api import KaizenConfig, analyses
from kaizen_worker.engine import cycle
from kaizen_worker.engine.runtime import Runtime

config = KaizenConfig(**json.loads(sys.argv[1]))
tenant = Runtime(config).tenant(config.tenant)
asked = analyses.note(config, tenant=config.tenant)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
began = time.monotonic()
cycle.analyze(tenant, asked.id)
seconds = time.monotonic() - began
done = tenant.cycles.get(asked.id)
figures = {
    "before": before,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "cpu": time.process_time(),
    "seconds": seconds,
    "status": done.status,
    "error": done.error,
    "interactions": done.interactions,
    "found": {name: getattr(done, name) for name in ("topics", "noise", "insights", "gaps")},
    "steps": done.seconds,
}
sys.stdout.write(json.dumps(figures))
