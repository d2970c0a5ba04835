"""`kaizen up`: everything on this machine, supervised, until it is told to end."""

import signal
import threading
from contextlib import suppress
from typing import Any

import click

from kaizen_api.cli.options import PORT, PROCESSES, Session, setting, shared
from kaizen_api.cli.output import details, note
from kaizen_api.cli.services import configured
from kaizen_api.cli.terminal import as_json
from kaizen_api.errors import Unavailable
from kaizen_api.stack import whole


@click.command()
@setting("api_port", "--port", type=PORT, help="Of the API.")
@setting("prometheus_port", "--exporter-port", type=PORT, help="Of the metrics.")
@setting("flower_port", "--flower-port", type=PORT, help="Of Flower.")
@setting("workers", "--workers", type=PROCESSES, help="Worker processes.")
@click.option("--no-flower", is_flag=True, help="Without Flower.")
@shared
@click.pass_obj
def up(session: Session, no_flower: bool) -> None:  # noqa: FBT001  # click hands options by name
    """Run everything on this machine: server, API, workers, scheduler, exporter, Flower.

    Whatever ends is started again. Ctrl-C or SIGTERM ends it all. With --json, one line is printed once all of it
    answers.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts what it puts into the background deaf to SIGINT
        signal.signal(number, _interrupt)
    lost = threading.Event()
    with whole(configured(session), with_flower=not no_flower, say=note, on_lost=lost.set) as state:
        with suppress(KeyboardInterrupt):
            if session.json:
                click.echo(as_json(state))
            else:
                details([*((name, value) for name, value in state.items() if name != "pids"), ("to end it", "Ctrl-C")])
            lost.wait()
            raise Unavailable("the process that keeps the others was killed, and they with it: start `kaizen up` again")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # it is ending already
        note("ending")


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
