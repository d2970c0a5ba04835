"""The loop by its tempos: live (a batch), cycle (an analysis), fill (a gap), prove (an effect), daily (rotation).

Nothing here knows Celery; `KaizenEngine` joins the tempos inside one process.
"""

from kaizen_worker.engine.kaizen import KaizenEngine
from kaizen_worker.engine.runtime import Runtime

__all__ = ["KaizenEngine", "Runtime"]
