"""`kaizen api · worker · beat · exporter · flower`: one process each, for production; this process becomes it."""

import os
import sys
from contextlib import suppress
from typing import NoReturn

import click

from kaizen_api import stack
from kaizen_api.checks import strange_settings
from kaizen_api.cli.options import PORT, Session, setting, shared
from kaizen_api.cli.output import note
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import broker_url, redis_url
from kaizen_api.errors import Unavailable
from kaizen_api.eviction import refuse_eviction
from kaizen_api.stack.password import FLOWER_USER, password_file
from kaizen_api.stack.ports import check_port


@click.command()
@setting("api_host", "--host", help="Address; other than loopback needs KAIZEN_API_KEYS.")
@setting("api_port", "--port", type=PORT)
@shared
@click.pass_obj
def api(session: Session) -> None:
    """Serve the HTTP API."""
    config = configured(session)
    _become(config, stack.api(config))


@click.command()
@click.option("--number", type=click.IntRange(1), default=1, show_default=True, help="Its number on this host.")
@shared
@click.pass_obj
def worker(session: Session, number: int) -> None:
    """Run one worker process."""
    _become(configured(session), stack.worker(number))


@click.command()
@shared
@click.pass_obj
def beat(session: Session) -> None:
    """Run the scheduler; a second one takes over at once where the first is lost."""
    _become(configured(session), stack.beat())


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address.")
@setting("prometheus_port", "--port", type=PORT)
@shared
@click.pass_obj
def exporter(session: Session, host: str) -> None:
    """Serve metrics for Prometheus."""
    config = configured(session)
    _become(config, stack.exporter(config, host=host))


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address.")
@setting("flower_port", "--port", type=PORT)
@shared
@click.pass_obj
def flower(session: Session, host: str) -> None:
    """Serve Flower, which shows workers and tasks, to the user `kaizen` with its password."""
    config = configured(session)
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)  # of what it remembers
    service = stack.flower(config, config.data_dir, host=host)
    if config.flower_password is None:
        note(f"the password of the user {FLOWER_USER} is in {password_file(config.data_dir)}")
    _become(config, service)


def configured(session: Session) -> KaizenConfig:
    """The configuration of what starts; settings that are misspelt are told, for they change nothing."""
    config = session.config()
    if named := strange_settings():
        note(f"warning: ignored, for there is no such setting: {named}")
    return config


def _become(config: KaizenConfig, service: stack.Service) -> NoReturn:
    if service.url:
        check_port(service, option="--port")
    redis_url(config)
    broker_url(config)  # without a server it would only fail later, at length
    with suppress(Unavailable):  # it need not answer yet
        refuse_eviction(config)
    sys.stdout.flush()
    variables = {**os.environ, **stack.variables(config), **service.variables}
    os.execve(service.argv[0], service.argv, variables)  # noqa: S606  # no shell is the point
