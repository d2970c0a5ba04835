"""KaizenConfig: every setting with its range, and the only reader of the environment."""

from kaizen_api.config.hosts import is_loopback
from kaizen_api.config.kinds import TENANT
from kaizen_api.config.loading import load_config
from kaizen_api.config.misspelt import unknown_variables
from kaizen_api.config.problems import mask_setting
from kaizen_api.config.settings import KaizenConfig
from kaizen_api.config.telemetry import traces_wanted
from kaizen_api.config.thresholds import PerformanceThreshold
from kaizen_api.config.topology import Topology, topology

__all__ = [
    "TENANT",
    "KaizenConfig",
    "PerformanceThreshold",
    "Topology",
    "is_loopback",
    "load_config",
    "mask_setting",
    "topology",
    "traces_wanted",
    "unknown_variables",
]
