"""The loop by its tempos: live (a batch), cycle (an analysis), fill (a gap), prove (an effect), daily (rotation).

Nothing here knows Celery; `KaizenEngine` joins the tempos inside one process.
"""

from typing import TYPE_CHECKING, Any

from kaizen_worker.engine.runtime import Runtime

if TYPE_CHECKING:
    from kaizen_worker.engine.kaizen import KaizenEngine

__all__ = ["KaizenEngine", "Runtime"]


def __getattr__(name: str) -> Any:
    """`KaizenEngine` when it is asked for: what analyses is 150 MB that the API does without."""
    if name != "KaizenEngine":
        raise AttributeError(name)
    from kaizen_worker.engine.kaizen import KaizenEngine  # noqa: PLC0415  # see above

    return KaizenEngine
