"""Where settings come from: variables, `.env` and a file, each with the former names put right.

A variable may name a file that holds its value instead (`secret_files.py`).
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    JsonConfigSettingsSource,
    TomlConfigSettingsSource,
)

from kaizen_api.config.secret_files import contents
from kaizen_api.errors import InvalidConfig

PREFIX = "KAIZEN_"
CONFIG_FILE = "KAIZEN_CONFIG_FILE"

LEGACY = {
    "use_celery": "use_celery_tasks",
    "max_insights": "max_insights_stored",
    "kb_path": "knowledge_base_path",
    "retention_days": "metrics_retention_days",
}
"""Former names, still accepted everywhere: as variables, in files and as arguments."""

FileSource = TomlConfigSettingsSource | JsonConfigSettingsSource


def current_names(values: Mapping[str, Any], *, prefix: str = "") -> dict[str, Any]:
    """The mapping with former names replaced; where both stand, the current one wins."""
    former = {prefix + old: prefix + new for old, new in LEGACY.items()}
    renamed = {former[name]: value for name, value in values.items() if name in former}
    return {**renamed, **{name: value for name, value in values.items() if name not in former}}


def variables() -> list[str]:
    """The names of the variables of this process that have our prefix."""
    return [name for name in os.environ if name.startswith(PREFIX)]


class _Told(EnvSettingsSource):
    """Leaves what is no JSON as it is, so that validation tells of it along with everything else that is wrong."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value

    def _load_env_vars(self) -> Mapping[str, str | None]:
        named = super()._load_env_vars()
        prefix, fields = PREFIX.lower(), {*self.settings_cls.model_fields, *LEGACY}
        return current_names(contents(named, prefix=prefix, fields=fields), prefix=prefix)


class Environment(_Told):
    """`KAIZEN_...` variables of this process."""


class DotEnv(_Told, DotEnvSettingsSource):
    """The same variables in the file `.env` of the working folder; others' variables in it are none of ours."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        named = super()._load_env_vars()
        return {name: value for name, value in named.items() if name.startswith(PREFIX.lower())}


def configured_file(settings: type[BaseSettings]) -> list[tuple[str, FileSource]]:
    """The file that `KAIZEN_CONFIG_FILE` names with its source, or nothing."""
    path = os.environ.get(CONFIG_FILE)
    return [(path, read_file(Path(path), settings))] if path else []


def read_file(path: Path, settings: type[BaseSettings]) -> FileSource:
    """A TOML or JSON file of settings.

    Raises:
        InvalidConfig: the file cannot be read as what its name says.
    """
    readers: dict[str, type[FileSource]] = {".toml": TomlConfigSettingsSource, ".json": JsonConfigSettingsSource}
    if path.suffix not in readers:
        raise InvalidConfig(f"{path}: a configuration file ends in .toml or .json")
    try:
        path.read_bytes()  # the sources below take an absent file for an empty one
        source = readers[path.suffix](settings, path)
    except (OSError, ValueError) as error:
        raise InvalidConfig(f"{path}: cannot be read as {path.suffix[1:].upper()}: {error}") from None
    source.init_kwargs = current_names(source.init_kwargs)
    return source


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested values as dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def plain(value: Any) -> Any:
    """A value as JSON knows it: paths and secrets as texts."""
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, Path) else value
