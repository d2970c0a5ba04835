"""Pushing interactions: validated, masked, grouped, appended once each, with backpressure."""

from kaizen_api.producer.aio import AsyncProducer
from kaizen_api.producer.batch import Appended
from kaizen_api.producer.sync import Producer

__all__ = ["Appended", "AsyncProducer", "Producer"]
