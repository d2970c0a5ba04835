"""KaizenConfig: every setting with its range, and the only reader of the environment."""

from kaizen_api.config.problems import mask_setting
from kaizen_api.config.settings import TENANT, KaizenConfig, PerformanceThreshold, load_config, unknown_variables

__all__ = ["TENANT", "KaizenConfig", "PerformanceThreshold", "load_config", "mask_setting", "unknown_variables"]
