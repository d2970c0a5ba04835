"""Settings whose value stands in a file: `KAIZEN_REDIS_URL_FILE=/run/secrets/redis_url` gives `redis_url`.

So secrets reach a process as Docker, Kubernetes and systemd hand them over, and stand in nobody's list of variables.
Every setting can be given so, nested ones too. Where a variable has a value itself, its file is not read.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from kaizen_api.errors import InvalidConfig

SUFFIX = "_file"


def contents(values: Mapping[str, str | None], *, prefix: str, fields: Collection[str]) -> dict[str, str | None]:
    """The variables, lower-case, with each that names the file of a setting replaced by what stands in it.

    Raises:
        InvalidConfig: a file cannot be read, or holds nothing.
    """
    files = {name: path for name, path in values.items() if path and _is_file_of_setting(name, prefix, fields)}
    given = {name: value for name, value in values.items() if name not in files}
    wanted = {name.removesuffix(SUFFIX): (name, path) for name, path in files.items()}
    return {**{name: _read(*where) for name, where in wanted.items() if name not in given}, **given}


def _is_file_of_setting(name: str, prefix: str, fields: Collection[str]) -> bool:
    if not name.startswith(prefix) or not name.endswith(SUFFIX):
        return False
    return name.removeprefix(prefix).removesuffix(SUFFIX).split("__")[0] in fields


def _read(variable: str, path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "is no text in UTF-8"
        raise InvalidConfig(f"{variable.upper()} = {path}: cannot be read: {why}") from None
    if not text:
        raise InvalidConfig(f"{variable.upper()} = {path}: the file is empty")
    return text
