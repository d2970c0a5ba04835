"""Names and exemplars of topics, out of their own queries: no model, readable, distinct, and the same every time."""

from kaizen_worker.pipeline.naming.exemplars import EXEMPLARS, NEAR_DUPLICATE, exemplars
from kaizen_worker.pipeline.naming.names import JOINT, name
from kaizen_worker.pipeline.naming.proposal import accept, question

__all__ = ["EXEMPLARS", "JOINT", "NEAR_DUPLICATE", "accept", "exemplars", "name", "question"]
