"""The command line: `kaizen`.

Every command has `--help` and `--json`; it exits with 0 when done, 1 when it failed and 2 when it was misused, and an
error that Kaizen raises on purpose is one text on standard error (with `--json` also `{"error": …}` on standard
output), never a traceback. Further commands join by the entry point group `kaizen.commands`: each entry point is a
callable that gets the root group and adds commands to it, or to the groups in it (`LazyGroup.lazy`).
"""

import warnings
from typing import Any, NoReturn

import click

from kaizen_api.cli.root import build
from kaizen_api.printable import printable


def main() -> NoReturn:
    """What the script `kaizen` runs."""
    warnings.showwarning = _warn
    build().main(prog_name="kaizen")
    raise AssertionError  # the root exits


def _warn(message: Any, *_: Any, **__: Any) -> None:
    click.echo(printable(f"warning: {message}"), err=True)
