"""The tree of commands, and how its calls end: with 0, 1 or 2, and never with a traceback of an expected error."""

import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points, version
from typing import Any, NoReturn

import click

from kaizen_api.cli.lazy import LazyGroup
from kaizen_api.cli.options import shared
from kaizen_api.cli.terminal import as_json
from kaizen_api.errors import InvalidConfig, KaizenError
from kaizen_api.printable import printable

FAILED = 1
MISUSED = 2

_COMMANDS = {
    "up": ("up:up", "Run everything on this machine."),
    "report": ("report:report", "Turn log files into a report; nothing is left behind."),
    "push": ("push:push", "Import log files."),
    "analyze": ("analyze:analyze", "Run one analysis now."),
    "interaction": ("interaction:interaction", "Show one interaction by its id, such as an insight's evidence."),
    "config": ("settings:settings", "Show every setting with its value and its origin."),
    "doctor": ("doctor:doctor", "Check every part and say what to do."),
    "api": ("services:api", "Serve the HTTP API."),
    "worker": ("services:worker", "Run one worker process."),
    "beat": ("services:beat", "Run the scheduler; any number may run."),
    "exporter": ("services:exporter", "Serve metrics for Prometheus."),
    "flower": ("services:flower", "Serve Flower: workers and tasks."),
}
_FOUND = {
    "topics": "Show what people ask about.",
    "insights": "Show what Kaizen found.",
    "gaps": "Show what the assistant cannot serve.",
    "effects": "Show what applied changes brought.",
}


_MORE = {"topics": {"kinds": ("kaizen_api.cli.kinds:list_kinds", "List the kinds of request with their shares.")}}


class Root(LazyGroup):
    """The command `kaizen` itself."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        """Run a command and exit."""  # click's own has overloads for callers that don't exit
        argv = list(sys.argv[1:] if args is None else args)
        sys.exit(self._run(argv, *rest, **{**extra, "standalone_mode": False}))

    def _run(self, argv: list[str], *rest: Any, **extra: Any) -> int:
        try:
            returned = super().main(argv, *rest, **extra)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered has no reader
            return FAILED
        except (click.ClickException, click.Abort, KaizenError, OSError) as error:
            return _fail(error, wants_json="--json" in argv)
        except (UnicodeEncodeError, TypeError):  # the latter from what is compiled and takes text
            if _are_text(argv):
                raise
            return _fail(click.UsageError("an argument is not UTF-8: check it"), wants_json="--json" in argv)
        return returned if isinstance(returned, int) else 0


def _are_text(argv: Sequence[str]) -> bool:
    """Whether every argument came in as text; of one that did not, the system left what cannot be encoded."""
    return not any("\ud800" <= character <= "\udfff" for argument in argv for character in argument)


def _fail(error: Exception, *, wants_json: bool) -> int:
    """Say what went wrong; returns the exit code."""
    message = error.format_message() if isinstance(error, click.ClickException) else str(error) or "interrupted"
    if isinstance(error, click.UsageError):
        shown = io.StringIO()
        error.show(shown)
        click.echo(printable(shown.getvalue()), err=True, nl=False)
    else:
        click.echo(printable(f"error: {message}"), err=True)
    if wants_json:
        click.echo(as_json({"error": message}))
    return MISUSED if isinstance(error, click.UsageError | InvalidConfig) else FAILED


def build() -> Root:
    """The whole tree, with the commands of other packages."""
    root = _root()
    for name, (target, help_line) in _COMMANDS.items():
        root.lazy(name, f"kaizen_api.cli.{target}", help_line)
    for kind, help_line in _FOUND.items():
        members = {"show": (f"kaizen_api.cli.shown:show_{kind}", "Show one in full."), **_MORE.get(kind, {})}
        root.add_command(_group(kind, help_line, f"found:list_{kind}", **members))
    root.add_command(_group("tenants", "Show who sends interactions.", "tenants:list_tenants"))
    _join(root)
    return root


def _root() -> Root:
    @click.group(cls=Root, name="kaizen", context_settings={"help_option_names": ["--help", "-h"]})
    @click.version_option(version("kaizen"), message="%(version)s")
    @shared
    def kaizen() -> None:
        """Improves an AI assistant while it runs: finds what fails, fills what is missing, proves what helped."""

    return kaizen


def _group(name: str, help_line: str, target: str, **members: tuple[str, str]) -> LazyGroup:
    """A group that lists when no command of it is named."""
    members["list"] = (f"kaizen_api.cli.{target}", "List them: the same as no command.")

    @click.group(cls=LazyGroup, name=name, help=help_line, members=members, default="list")
    @shared
    def group() -> None: ...

    return group


def _join(root: Root) -> None:
    for entry in entry_points(group="kaizen.commands"):
        try:
            entry.load()(root)
        except ImportError as error:
            click.echo(printable(f"warning: the commands of {entry.value} are missing: {error}"), err=True)
