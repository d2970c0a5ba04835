"""A configuration as environment variables: how the processes of a stack get theirs.

Whatever a field came from here (argument, variable, file), a process with these variables has the same configuration;
secrets travel nowhere else, never on a command line.
"""

import json
from typing import Any

from kaizen_api.config import KaizenConfig
from kaizen_api.config.sources import PREFIX


def variables(config: KaizenConfig) -> dict[str, str]:
    """`KAIZEN_…` → value for every field that has one."""
    values = config.to_legacy_dict()
    return {PREFIX + name.upper(): _text(value) for name, value in values.items() if value is not None}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
