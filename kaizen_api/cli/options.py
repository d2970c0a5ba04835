"""The options that every command takes, before or after its name, and what they add up to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from kaizen_api.config import KaizenConfig

PORT = click.IntRange(1024, 65535)
PROCESSES = click.IntRange(1, 64)

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Session:
    """One call of the command line.

    Attributes:
        json: One JSON document on standard output, everything else on standard error.
        settings: Fields of the configuration that options gave.
    """

    json: bool = False
    settings: dict[str, Any] = field(default_factory=dict)

    def config(self, **more: Any) -> "KaizenConfig":
        """The configuration: these arguments, the options, then the environment and files.

        Raises:
            InvalidConfig: lists every setting that is wrong.
        """
        from kaizen_api.config import KaizenConfig  # noqa: PLC0415  # pydantic is no part of `--help`

        return KaizenConfig.from_env(**{**self.settings, **more})


def _json(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's signature
    if value:
        ctx.ensure_object(Session).json = True


def _setting(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    session = ctx.ensure_object(Session)
    if value is not None:
        session.settings[str(parameter.name)] = value


def setting(field: str, *flags: str, **attributes: Any) -> Callable[[F], F]:
    """An option that sets a field of the configuration; the command does not see it."""
    return click.option(*flags, field, expose_value=False, callback=_setting, **attributes)


def shared(function: F) -> F:
    """Adds `--json`, `--tenant` and `--data-dir`; the command finds them in the `Session` of `click.pass_obj`."""
    folder = click.Path(path_type=Path, file_okay=False)
    for option in (
        setting("data_dir", "--data-dir", type=folder, help="Folder of `kaizen up`."),
        setting("tenant", "--tenant", metavar="NAME", help="Whose data."),
        click.option("--json", is_flag=True, expose_value=False, callback=_json, help="One JSON document."),
    ):
        function = option(function)
    return function
