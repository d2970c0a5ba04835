"""The configuration with a file that the caller names."""

from pathlib import Path

from kaizen_api.config.settings import KaizenConfig
from kaizen_api.config.sources import DotEnv, Environment, read_file


def load_config(path: str | Path | None = None) -> KaizenConfig:
    """The configuration of this process, with `path` as its file in place of `KAIZEN_CONFIG_FILE`.

    Raises:
        InvalidConfig: the file cannot be read, or a setting is wrong.
    """
    if path is None:
        return KaizenConfig()
    nearer = {**DotEnv(KaizenConfig)(), **Environment(KaizenConfig)()}
    values = read_file(Path(path), KaizenConfig)()
    return KaizenConfig(**{name: value for name, value in values.items() if name not in nearer})
