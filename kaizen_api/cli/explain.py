"""Findings in words: what it is, how sure, why, examples, what to do. Takes them as rendered by `plain`."""

from collections.abc import Mapping, Sequence
from typing import Any

from kaizen_api.cli.approval import entry_line, gap_step, insight_step
from kaizen_api.cli.examples import example_lines
from kaizen_api.cli.moments import local
from kaizen_api.cli.output import details
from kaizen_api.figures import interval, percent, points, seconds

_DIAGNOSES = {
    "missing": "nothing in the knowledge base covers it",
    "stale": "what the knowledge base has about it is out of date",
    "contradictory": "entries about it contradict each other",
    "retrieval_miss": "the knowledge base has it, but it is not found",
    "out_of_scope": "it is not what this assistant is for",
    "unclear": "the evidence does not say why",
}

_POINTS_SHOWN = 30

Shown = Mapping[str, Any]
Names = Mapping[str, str]
"""Topic id → name, or where it went; one that is gone has none."""


def explain_topic(topic: Shown, names: Names) -> None:
    """A topic: its name, weight, failure rate, what shows in it, and real queries."""
    details(_about_topic(topic, names, _history(topic)))


def explain_history(history: Shown, names: Names) -> None:
    """A topic with all that happened to it, and the end of its series."""
    events = [
        f"{local(event['at'])}  {event['event']}  {_relative(event) if event['topic'] else event['detail']}".rstrip()
        for event in history["events"]
    ]
    series = [
        f"{local(point['at'])}  {point['size']} interactions, {percent(point['failure_rate'])} failed"
        for point in history["series"]
    ]
    left = len(series) - _POINTS_SHOWN
    earlier = [f"{left} earlier: --json"] if left > 0 else []
    details([*_about_topic(history["topic"], names, events), ("series", [*earlier, *series[-_POINTS_SHOWN:]])])


def _relative(event: Shown) -> str:
    return f"{event['topic']} ({event['topic_name']})" if event["topic_name"] else str(event["topic"])


def _about_topic(topic: Shown, names: Names, history: list[str]) -> list[tuple[str, Any]]:
    by = " (named by a person)" if topic["renamed"] else ""
    return [
        ("topic", f"{topic['name']} ({topic['id']}){by}"),
        ("went into", topic["into"] and f"{called(topic['into'], names)}: `kaizen topics show {topic['into']}`"),
        ("ended", local(topic["ended_at"])),
        ("with", ", ".join(topic["merged"])),
        ("size", f"{topic['size']} interactions, {percent(topic['share'])} of the window, {topic['users']} users"),
        ("failure rate", percent(topic["failure_rate"])),
        ("signs", _signs(topic)),
        ("response time", _response_time(topic)),
        ("part of", called(topic["parent"], names)),
        ("examples", topic["exemplars"]),
        ("history", history),
    ]


def explain_insight(insight: Shown, topic: Shown | None, gap: Shown | None, entries: Sequence[Shown]) -> None:
    """An insight, with its topic as it is now, the gap it is about, and the entries found for that."""
    words = insight["explanation"]
    details(
        [
            ("what", insight["description"]),
            ("where", words["where"]),
            ("seen", _seen(words)),
            ("how sure", [f"{percent(insight['confidence'])}: {words['sureness']}", words["chance"]]),
            ("why", _why(insight, words)),
            ("examples", [line for one in words["examples"] for line in example_lines(one)]),
            ("gone", ", ".join(words["gone"]) and f"{', '.join(words['gone'])}: past KAIZEN_METRICS_RETENTION_DAYS"),
            ("evidence", ", ".join(insight["evidence"])),
            ("typical", topic["exemplars"] if topic else []),
            ("what to do", insight["recommendation"]),
            ("status", f"{insight['status']} ({insight['type']}, {insight['id']}){_because(words)}"),
            ("topic", f"{topic['id']} ({topic['name']})" if topic else insight["topic"]),
            ("gap", insight["gap"]),
            ("entries", [entry_line(entry) for entry in entries]),
            ("settled", _see(words["settled"], "it was found before, and confirmed as mended")),
            ("again", _see(words["regression"], "it came back")),
            ("next step", insight_step(insight, gap, entries)),
            ("history", _history(insight)),
        ]
    )


def _seen(words: Shown) -> str:
    """Since when, until when, and whether that is over."""
    first, last = local(words["first_seen_at"]), local(words["last_seen_at"])
    if words["over_at"]:
        return f"since {first}, over {local(words['over_at'])}"
    said = f"first {first}, last {last}" if first and last else f"first {first}" if first else ""
    return f"{said}; the last analysis, of {local(words['analysed_at'])}, did not find it" if words["stale"] else said


def _why(insight: Shown, words: Shown) -> list[str]:
    who = (
        f", {insight['users']} users (or sessions)" if insight["users"] else "; the log has no ids of users or sessions"
    )
    basis = f"{interval(insight['effect'])}; {insight['support']} interactions{who}"
    return [basis, f"against {words['against']}", f"test: {words['test']}"]


def _because(words: Shown) -> str:
    return f": {words['reason']}" if words["reason"] else ""


def _see(insight: str | None, what: str) -> str | None:
    return insight and f"{what}: `kaizen insights show {insight}`"


def explain_gap(gap: Shown, names: Names, entries: Sequence[Shown]) -> None:
    """A gap with its diagnosis, what it is searched with, and the entries found for it."""
    measured = gap["deficit_interval"]
    details(
        [
            ("gap", f"{gap['id']} in topic {called(gap['topic'], names)}"),
            ("diagnosis", f"{gap['diagnosis']}: {_DIAGNOSES[gap['diagnosis']]}"),
            ("users", gap["users"]),
            ("failures", f"{interval(measured) if measured else points(gap['deficit'])} against the other topics"),
            ("coverage", f"{percent(gap['coverage'])} of its queries by the knowledge base"),
            ("queries", gap["queries"]),
            ("examples", [line for one in gap["examples"] for line in example_lines(one)]),
            ("entries", [entry_line(entry) for entry in entries]),
            ("status", gap["status"]),
            ("insight", gap["insight"]),
            ("next step", gap_step(gap, entries)),
            ("history", _history(gap)),
        ]
    )


def explain_effect(effect: Shown, names: Names, *, reverted: bool) -> None:
    """An effect: both arms, the difference, the verdict."""
    arms = [
        f"{name}: {effect[arm]} conversations, {effect[f'{arm}_failures']:.1f} failed{_rate(effect, arm)}"
        for name, arm in (("with the change", "exposed"), ("hold-out", "held_out"))
    ]
    topic = called(effect["topic"], names)
    details(
        [
            ("effect", f"of insight {effect['insight']} on topic {topic}, since {local(effect['applied_at'])}"),
            ("arms", arms),
            ("difference", interval(effect["difference"])),
            ("p value", f"{effect['p_value']:.3g}, valid at any time of looking"),
            ("verdict", verdict(effect, reverted=reverted)),
        ]
    )


def verdict(effect: Shown, *, reverted: bool) -> str:
    """What was measured, and whether the change has been taken back since."""
    return f"{effect['verdict']}, reverted" if reverted else str(effect["verdict"])


def called(topic: str | None, names: Names) -> str | None:
    """A topic by id and name."""
    return f"{topic} ({names[topic]})" if topic is not None and topic in names else topic


def _signs(topic: Shown) -> str:
    """What shows in its interactions, the most frequent first."""
    signs = sorted(topic["signs"].items(), key=lambda sign: (-sign[1], sign[0]))
    return ", ".join(f"{sign} {percent(share)}" for sign, share in signs)


def _response_time(topic: Shown) -> str | None:
    half, most = topic["response_time_p50"], topic["response_time_p95"]
    return None if half is None else f"half within {seconds(half)}, 95 % within {seconds(most)}"


def _rate(effect: Shown, arm: str) -> str:
    return f" ({percent(effect[f'{arm}_failures'] / effect[arm])})" if effect[arm] else ""


def _history(thing: Shown) -> list[str]:
    return [f"{local(step['at'])}  {step['event']}  {step['detail']}".rstrip() for step in thing["history"]]
