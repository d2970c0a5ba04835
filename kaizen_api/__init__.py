"""Kaizen's thin side: what applications import, call and run. Importing it loads no Celery, numpy or scikit-learn."""

from kaizen_api.config import KaizenConfig, load_config
from kaizen_api.producer import AsyncProducer, Producer
from kaizen_api.schema import Interaction

__all__ = ["AsyncProducer", "Interaction", "KaizenConfig", "Producer", "load_config"]
