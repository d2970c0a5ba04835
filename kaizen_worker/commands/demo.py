"""`kaizen demo`: the whole loop on one machine, in under two minutes, and nothing left behind."""

import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from kaizen_api.cli.options import PROCESSES, Session, setting, shared
from kaizen_api.config import KaizenConfig
from kaizen_api.stack import whole
from kaizen_worker.demo import perform_demo, summary, tell
from kaizen_worker.demo.plot import Say

_FILE_WIDTH = 112


@click.command()
@click.option("--stay", is_flag=True, help="Keep serving until Ctrl-C.")
@setting("seed", "--seed", type=click.IntRange(0, 2**32 - 1), help="Of everything that draws.")
@setting("workers", "--workers", type=PROCESSES, help="Worker processes.")
@shared
@click.pass_obj
def demo(session: Session, stay: bool) -> None:  # noqa: FBT001  # click hands options by name
    """Play the whole loop on a help desk for Python programmers, and print what happened.

    Half of the documents are taken from the assistant, faults are planted, a day of questions is asked; Kaizen finds,
    fills and measures, and the same subjects are asked about again in other words.
    """
    console = Console(stderr=session.json)
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    config = _config(session, Path(tempfile.mkdtemp(prefix="kaizen-demo-")))
    with _running(config, console, with_flower=stay) as state:
        running = config.model_copy(update={"redis_url": state["redis"]})
        acts = perform_demo(running, api=state["api"], step=lambda what: _step(console, what))
        if session.json:
            click.echo(json.dumps({**summary(acts), **({"running": state} if stay else {})}))
        else:
            tell(acts, console)
        if stay:
            _stay(console, state)


@contextmanager
def _running(config: KaizenConfig, console: Console, *, with_flower: bool) -> Iterator[dict[str, Any]]:
    with ExitStack() as ending:
        with _step(console, "starting server, API, workers, beat") as say:
            state = ending.enter_context(whole(config, with_flower=with_flower, say=say, temporary=True))
            say(f"{len(state['pids']['workers'])} workers")
        yield state


def _config(session: Session, folder: Path) -> KaizenConfig:
    """A Kaizen of its own in a temporary folder, on free ports, that applies what it is sure of."""
    api, exporter, flower = _free_ports(3)
    return session.config(
        data_dir=folder,
        documents_path=folder / "documents",
        knowledge_base_path=folder / "knowledge",
        tenant="default",
        redis_url=None,
        broker_url=None,
        api_keys={},
        user_key="demo",
        api_port=api,
        prometheus_port=exporter,
        flower_port=flower,
        use_celery_tasks=True,
        enable_auto_apply=True,
        enable_gap_fill=True,
        hold_out=0.2,
        max_insights_per_cycle=50,
    )


def _free_ports(number: int) -> list[int]:
    """Ports that nobody listens on; all are held until all are found, so that they differ."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@contextmanager
def _step(console: Console, what: str) -> Iterator[Say]:
    """A line that tells what goes on, and stays with the time it took."""
    began = time.monotonic()
    said = ""

    def say(word: str) -> None:
        nonlocal said
        said = word
        status.update(f"{what}: {word}")

    with console.status(what) as status:
        yield say
    console.print(f"[green]✓[/] {what:<34} {time.monotonic() - began:5.1f} s  {said}", highlight=False)


def _stay(console: Console, state: dict[str, Any]) -> None:
    console.print(f"\nconsole {state['api']} · metrics {state['exporter']}/kaizen/metrics · Flower {state['flower']}")
    console.print(f"Flower's user is kaizen, with the password in {state['flower_password']}")
    console.print(f"for other commands: --data-dir {state['data_dir']}    Ctrl-C ends it")
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
