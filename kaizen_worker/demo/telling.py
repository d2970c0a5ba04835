"""The demo's report: what was found, what was filled, what changed, where to look next; as text and as JSON."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kaizen_worker.demo.plot import Acts
from kaizen_worker.demo.verdict import Caught, Served, served, together

_ROWS = 8


def summary(acts: Acts) -> dict[str, Any]:
    """The figures of the report."""
    missing = frozenset(acts.desk.split.missing)
    able = frozenset(subject.id for subject in acts.desk.subjects) - missing
    pooled = together(acts.effects)
    return {
        "seconds": round(acts.seconds, 1),
        "interactions": [len(acts.first), len(acts.second)],
        "topics": len(acts.topics),
        "subjects": len(acts.desk.subjects),
        "insights": _by_type(acts),
        "planted": {kind: _caught(acts.caught, kind) for kind in dict.fromkeys(one.fault.kind for one in acts.caught)},
        "gaps": len(acts.gaps),
        "filled": sum(gap.status == "filled" for gap in acts.gaps),
        "entries": acts.entries,
        "answered": {
            "missing": [_rate(served(talk, missing)) for talk in (acts.first, acts.second)],
            "known": [_rate(served(talk, able)) for talk in (acts.first, acts.second)],
        },
        "hold_out": {
            "exposed": pooled.exposed,
            "exposed_failure_rate": _share(pooled.exposed_failures, pooled.exposed),
            "held_out": pooled.held_out,
            "held_out_failure_rate": _share(pooled.held_out_failures, pooled.held_out),
            "difference": [pooled.difference.estimate, pooled.difference.low, pooled.difference.high],
            "verdict": pooled.verdict,
            "verdicts": {
                verdict: _count(acts, verdict) for verdict in ("confirmed", "measuring", "no_effect", "harmful")
            },
        },
    }


def tell(acts: Acts, console: Console) -> None:
    """Print the report."""
    told = summary(acts)
    console.print()
    _found(acts, told, console)
    _gaps(acts, told, console)
    _changed(acts, told, console)
    tell_next(console, insight=acts.insights[0].id if acts.insights else "ID", seconds=acts.seconds)


def _found(acts: Acts, told: dict[str, Any], console: Console) -> None:
    console.print(Text("FOUND", style="bold"))
    console.print(
        f"  {told['topics']} topics in {told['interactions'][0]} interactions about {told['subjects']} subjects; "
        + ", ".join(f"{number} {kind}" for kind, number in told["insights"].items())
    )
    grid = _grid("planted", "where", "what Kaizen says")
    shown = [one for one in acts.caught if one.fault.kind != "missing"]
    for one in shown:
        grid.add_row(one.fault.kind, _where(one), Text(one.insight.description if one.insight else "not found"))
    console.print(grid)
    found, planted = told["planted"]["missing"]
    console.print(f"  and {found} of the {planted} subjects without documents are named as gaps")


def _gaps(acts: Acts, told: dict[str, Any], console: Console) -> None:
    console.print(Text("\nFILLED", style="bold"))
    console.print(
        f"  {told['filled']} of {told['gaps']} gaps, from the folder of documents; the knowledge base now has "
        f"{told['entries']} entries"
    )
    names = {topic.id: topic.name for topic in acts.topics}
    grid = _grid("gap", "people", "diagnosis", "searched with")
    for gap in [gap for gap in acts.gaps if gap.topic in names][:_ROWS]:
        grid.add_row(Text(names.get(gap.topic, gap.topic)), str(gap.users), gap.diagnosis, Text(gap.queries[0][:60]))
    console.print(grid)


def _changed(acts: Acts, told: dict[str, Any], console: Console) -> None:
    console.print(Text("\nCHANGED", style="bold"))
    console.print("  the same subjects asked about again, in words not seen before:")
    grid = _grid("questions answered", "before", "after")
    for label, key in (("about what was missing", "missing"), ("about what was known", "known")):
        before, after = told["answered"][key]
        grid.add_row(label, f"{before:.0%}", f"{after:.0%}")
    console.print(grid)
    held = told["hold_out"]
    if held["exposed"] and held["held_out"]:
        estimate, low, high = (100 * value for value in held["difference"])
        console.print(
            "  what Kaizen measured by its hold-out, without knowing the truth: of the conversations that had the new "
            f"entries {held['exposed_failure_rate']:.0%} failed ({held['exposed']}), of those that went without "
            f"{held['held_out_failure_rate']:.0%} ({held['held_out']}): {estimate:+.0f} points "
            f"(95 %, valid at any time: {low:+.0f} to {high:+.0f}), {held['verdict'].replace('_', ' ')}"
        )
    verdicts = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in held["verdicts"].items() if number)
    console.print(f"  each of the {len(acts.effects)} changes for itself: {verdicts}")


def tell_next(console: Console, *, insight: str, seconds: float) -> None:
    """Print what to do next, as it can be typed, and how long it all took."""
    console.print(Text("\nNEXT", style="bold"))
    called = Path(sys.argv[0]).absolute()
    kaizen = typed(called if called.name == "kaizen" else Path(sys.executable).with_name("kaizen"))
    lines = (
        ("demo --stay", "keep it running: console, metrics, Flower"),
        (f"insights show {insight}", "while it stays: one insight in full"),
        ("report LOG --out report", "your own log, nothing left behind"),
        ("up", "run it for good"),
    )
    width = max(len(kaizen) + 1 + len(command) for command, _ in lines)
    for command, what in lines:
        console.print(Text(f"  {kaizen + ' ' + command:<{width}}  {what}"))
    console.print(f"\n  {seconds:.0f} s")


def typed(program: Path) -> str:
    """How to type a program from the working folder: by its name where the path leads to it, else by where it lies."""
    found = shutil.which(program.name)
    if found is not None and Path(found).resolve() == program.resolve():
        return program.name
    if not program.is_relative_to(Path.cwd()):
        return shlex.quote(os.fspath(program))
    inside = program.relative_to(Path.cwd())
    return shlex.quote(f"./{inside}" if inside.parent == Path() else os.fspath(inside))


def _where(one: Caught) -> str:
    return " × ".join(part for part in (one.fault.subject, one.fault.model) if part)


def _grid(*columns: str) -> Table:
    grid = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
    for column in columns:
        grid.add_column(column, overflow="fold")
    return grid


def _by_type(acts: Acts) -> dict[str, int]:
    kinds = [insight.type for insight in acts.insights]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def _caught(caught: Sequence[Caught], kind: str) -> list[int]:
    of_kind = [one for one in caught if one.fault.kind == kind]
    return [sum(one.insight is not None for one in of_kind), len(of_kind)]


def _rate(one: Served) -> float:
    return round(one.rate, 4)


def _share(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _count(acts: Acts, verdict: str) -> int:
    return sum(effect.verdict == verdict for effect in acts.effects)
