"""Fills gaps of one tenant, each as its id comes on standard input, and writes what came of it."""

import sys

from kaizen_api.config import KaizenConfig
from kaizen_worker.engine import fill
from kaizen_worker.engine.runtime import Runtime

tenant = Runtime(KaizenConfig.from_env()).tenant("default")
tenant.runtime.embedder.embed(["ready"])
print("ready", flush=True)  # noqa: T201  # read by the test
for line in sys.stdin:
    print(fill.fill(tenant, line.strip()), flush=True)  # noqa: T201  # likewise
