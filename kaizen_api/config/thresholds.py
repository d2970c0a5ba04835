"""Limits of what is tolerated; beyond them an interaction carries a sign, or an insight is told."""

from pydantic import BaseModel, ConfigDict, Field


class PerformanceThreshold(BaseModel):
    """What counts as too slow, too faulty, too low."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    response_time: float = Field(2.0, ge=0.1, le=60)
    """Seconds; slower answers carry the signal `slow`."""
    error_rate: float = Field(0.05, ge=0, le=1)
    """Share of interactions with an error that is tolerated."""
    consciousness_level: float = Field(0.4, ge=0, le=1)
    """The assistant's own score below which an answer carries the signal `low_level`."""
