"""Variables that look like settings and are none."""

from difflib import get_close_matches

from kaizen_api.config.secret_files import SUFFIX
from kaizen_api.config.settings import KaizenConfig
from kaizen_api.config.sources import CONFIG_FILE, LEGACY, PREFIX, variables


def unknown_variables() -> dict[str, str]:
    """Variables with our prefix that are no settings → the nearest setting's variable, or an empty string."""
    names = [name.upper() for name in [*KaizenConfig.model_fields, *LEGACY]]
    names.append(CONFIG_FILE.removeprefix(PREFIX))
    known = {PREFIX + name for name in names} | {"KAIZEN_DATA"}  # where tests find their data
    given = {name: name.upper().removesuffix(SUFFIX.upper()) for name in variables()}
    strange = (name for name, setting in given.items() if not {name, setting.split("__")[0]} & known)
    return {name: _nearest(name.removeprefix(PREFIX), names) for name in strange}


def _nearest(name: str, names: list[str]) -> str:
    """Compared without the prefix, which all have in common."""
    return next((PREFIX + near for near in get_close_matches(name, names, n=1)), "")
