"""The files of a report: machine-readable ones, and a page for people that stands alone and prints well."""

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from kaizen_api.explanation import words
from kaizen_api.figures import critics, interval, percent, points, seconds
from kaizen_api.printable import one_line
from kaizen_api.report.results import Results


def write_report(results: Results, folder: Path) -> Path:
    """Write all files into the folder, which is made if absent; returns the page's path.

    `assignments.jsonl`, `topics.json`, `insights.json`, `gaps.json`, `report.json`, `report.html`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = ({"id": interaction, "topic": topic} for interaction, topic in results.assignments)
    _write_lines(folder / "assignments.jsonl", rows)
    documents = {
        "topics": results.topics,
        "insights": results.insights,
        "gaps": results.gaps,
        "report": results.summary(),
    }
    for name, document in documents.items():
        text = json.dumps(document, ensure_ascii=False, indent=1)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    page = folder / "report.html"
    page.write_text(render_page(results), encoding="utf-8")
    return page


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _finalize(value: Any) -> Any:
    return one_line(value) if isinstance(value, str) else value


def render_page(results: Results) -> str:
    """The page; everything in it that came from a log is escaped and printable."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_finalize
    )
    environment.filters.update(critics=critics, percent=percent, points=points, interval=interval, seconds=seconds)
    template = environment.from_string(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    names = {topic["id"]: topic["name"] for topic in results.topics}
    page: str = template.render(
        summary=results.summary(),
        topics=results.topics,
        insights=results.insights,
        gaps=results.gaps,
        names=names,
        sureness=words.sureness,
        against=words.against,
        examples={topic["id"]: topic["exemplars"] for topic in results.topics},
        timed=any(topic["response_time_p95"] is not None for topic in results.topics),
        largest=max((topic["size"] for topic in results.topics), default=1),
    )
    return page
