"""Findings in words: what it is, how sure, why, examples, what to do. Takes them as rendered by `plain`."""

from collections.abc import Mapping, Sequence
from typing import Any

from kaizen_api.cli.output import details

_DIAGNOSES = {
    "missing": "nothing in the knowledge base covers it",
    "stale": "what the knowledge base has about it is out of date",
    "contradictory": "entries about it contradict each other",
    "retrieval_miss": "the knowledge base has it, but it is not found",
    "out_of_scope": "it is not what this assistant is for",
    "unclear": "the evidence does not say why",
}


def explain_topic(topic: Mapping[str, Any]) -> None:
    """A topic: its name, weight, failure rate, and real queries."""
    details(
        [
            ("topic", f"{topic['name']} ({topic['id']})"),
            ("size", f"{topic['size']} interactions, {topic['share']:.1%} of the window, {topic['users']} users"),
            ("failure rate", f"{topic['failure_rate']:.1%}"),
            ("part of", topic["parent"]),
            ("examples", topic["exemplars"]),
            ("history", _history(topic)),
        ]
    )


def explain_insight(insight: Mapping[str, Any], examples: Sequence[str]) -> None:
    """An insight; the examples are real queries of its topic."""
    details(
        [
            ("what", insight["description"]),
            ("how sure", f"{insight['confidence']:.1%}"),
            ("why", f"{interval(insight['effect'])}; {insight['support']} interactions, {insight['users']} users"),
            ("examples", list(examples)),
            ("evidence", ", ".join(insight["evidence"])),
            ("what to do", insight["recommendation"]),
            ("status", f"{insight['status']} ({insight['type']}, {insight['id']})"),
            ("topic", insight["topic"]),
            ("gap", insight["gap"]),
            ("history", _history(insight)),
        ]
    )


def explain_gap(gap: Mapping[str, Any]) -> None:
    """A gap with its diagnosis and what it is searched with."""
    details(
        [
            ("gap", f"{gap['id']} in topic {gap['topic']}"),
            ("diagnosis", f"{gap['diagnosis']}: {_DIAGNOSES[gap['diagnosis']]}"),
            ("users", gap["users"]),
            ("deficit", f"{gap['deficit']:.1%} more failures than elsewhere"),
            ("coverage", f"{gap['coverage']:.1%} of its queries by the knowledge base"),
            ("queries", gap["queries"]),
            ("entries", gap["entries"]),
            ("status", gap["status"]),
            ("history", _history(gap)),
        ]
    )


def explain_effect(effect: Mapping[str, Any]) -> None:
    """An effect: both arms, the difference, the verdict."""
    arms = [
        f"{name}: {effect[arm]} conversations, {effect[f'{arm}_failures']:.1f} failed"
        for name, arm in (("with the change", "exposed"), ("hold-out", "held_out"))
    ]
    details(
        [
            ("effect", f"of insight {effect['insight']} on topic {effect['topic']}, since {effect['applied_at']}"),
            ("arms", arms),
            ("difference", interval(effect["difference"])),
            ("p value", f"{effect['p_value']:.3g}, valid at any time of looking"),
            ("verdict", effect["verdict"]),
        ]
    )


def interval(value: Mapping[str, Any]) -> str:
    """An estimate with its 95 % interval."""
    numbers = [f"{value[name]:.3g}" if value[name] is not None else "?" for name in ("estimate", "low", "high")]
    return f"{numbers[0]} {value['unit']} (95 % interval {numbers[1]} to {numbers[2]})"


def _history(thing: Mapping[str, Any]) -> list[str]:
    return [f"{step['at']}  {step['event']}  {step['detail']}".rstrip() for step in thing["history"]]
