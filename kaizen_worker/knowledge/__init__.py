"""The knowledge base: entries with their provenance, retrieval at answer time, archives."""

from kaizen_worker.knowledge.rotation import KnowledgeBaseRotator

__all__ = ["KnowledgeBaseRotator"]
