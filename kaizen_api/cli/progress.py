"""Progress on standard error: a bar on a terminal; elsewhere nothing, but for an analysis a line now and then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from kaizen_api.cli.output import note
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, reaching
from kaizen_api.follow import catching_up, following
from kaizen_api.printable import one_line
from kaizen_api.queries import Queries
from kaizen_api.schema import Cycle

LINE_SECONDS = 10.0
"""How often at most a line tells of the same step, where there is no terminal for a bar."""

Advance = Callable[[float, str], None]
"""Takes how much is done and a word about it."""


@contextmanager
def bar(what: str, *, total: float | None) -> Iterator[Advance]:
    """A bar that reaches its end at `total`; one without an end where that is not known."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(escape(one_line(what)), total=total, said="")
        yield lambda done, said: progress.update(task, completed=done, said=escape(one_line(said)))


def follow_backlog(config: KaizenConfig, tenant: str, *, seconds: float) -> None:
    """Show how the workers commit what was accepted up to now, until they have.

    Raises:
        Unavailable: they have not in time, none of it for too long, or Redis does not answer.
    """
    with reaching(config), connect(config) as client, bar("waiting", total=1.0) as advance:
        most = 1
        for queue in catching_up(Queries(client, tenant=tenant), seconds=seconds):
            most = max(most, queue.depth)
            advance(1 - queue.depth / most, f"{queue.depth} interactions wait for the workers")


def follow_cycle(config: KaizenConfig, cycle: Cycle, *, seconds: float) -> Cycle:
    """Show an analysis until it has ended; returns its final state.

    Raises:
        Unavailable: it has not ended in time, or Redis does not answer.
    """
    with reaching(config), connect(config) as client, bar("analysis", total=1.0) as advance:
        say = (lambda _: None) if Console(stderr=True).is_terminal else lines()
        for state in following(Queries(client, tenant=cycle.tenant), cycle.id, seconds=seconds):
            advance(state.progress, standing(state))
            say(state)
            cycle = state
    return cycle


def lines(*, every: float = LINE_SECONDS) -> Callable[[Cycle], None]:
    """What prints a line when a step begins, and one each `every` seconds while it goes on."""
    step, at, told = "none", 0.0, ""

    def say(cycle: Cycle) -> None:
        nonlocal step, at, told
        line, now = f"{cycle.progress:4.0%}  {standing(cycle) or cycle.status}", time.monotonic()
        if line != told and (cycle.step != step or now - at >= every):
            step, at, told = cycle.step, now, line
            note(line)

    return say


def standing(cycle: Cycle) -> str:
    """What it does now, and how far that is: "embed: 3,400 of 50,000 texts"; or why it ended without a result."""
    return ": ".join(part for part in (cycle.step, cycle.detail) if part)


@contextmanager
def steps() -> Iterator[Callable[[str, float, str], None]]:
    """A bar for work in steps: takes the step, how much of it is done (0..1), and a word about it."""
    with bar("", total=1.0) as advance:
        yield lambda step, done, said: advance(done, f"{step}  {said}")
