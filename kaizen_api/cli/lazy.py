"""Groups of commands that are named without being loaded, so that `kaizen --help` and completion stay fast.

A member is `module:attribute` with its one line of help; the module is imported when the member runs.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

import click


class LazyGroup(click.Group):
    """A click group, some of whose members are loaded when they are called.

    Args:
        members: Name → (`module:attribute`, one line of help).
        default: The member that runs when none is named.
    """

    def __init__(
        self, *args: Any, members: Mapping[str, tuple[str, str]] | None = None, default: str | None = None, **rest: Any
    ) -> None:
        super().__init__(*args, **rest)
        self._members = dict(members or {})
        self._default = default

    def lazy(self, name: str, target: str, help_line: str) -> None:
        """Add a member that is loaded when it runs; it replaces a former one of that name."""
        self.commands.pop(name, None)
        self._members[name] = (target, help_line)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted({*super().list_commands(ctx), *self._members})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The member itself, loaded by now."""
        if cmd_name not in self.commands and cmd_name in self._members:
            module, _, attribute = self._members[cmd_name][0].partition(":")
            self.add_command(cast("click.Command", getattr(import_module(module), attribute)), cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """Names and help of the members; loads none."""
        lines = {name: command.get_short_help_str(limit=100) for name, command in self.commands.items()}
        lines |= {name: line for name, (_, line) in self._members.items() if name not in self.commands}
        if lines:
            with formatter.section("Commands"):
                formatter.write_dl(sorted(lines.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts the default member in where only its options are given."""
        if self._default and not _names_member(args, self.list_commands(ctx)):
            args = [self._default, *args]
        return super().parse_args(ctx, args)


def _names_member(args: list[str], members: list[str]) -> bool:
    """Also true of a word that is no member, which click then reports, and of a call for help."""
    first_is_word = bool(args) and not args[0].startswith("-")
    return first_is_word or any(arg in {"--help", "-h", *members} for arg in args)
