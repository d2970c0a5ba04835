"""From clusters of texts to the topic of each interaction, and what each topic adds up to.

A turn without a question of its own ("still doesn't work") belongs to the topic that was asked about before it in its
session; where there is none it is noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kaizen_api.schema import Topic
from kaizen_worker.types import Codes, Flags, Floats, Window


def asked_texts(window: Window, follow_up: Flags) -> NDArray[np.int64]:
    """(m,) the texts that stand for a question at least once, sorted; the others are left out of clustering."""
    return np.unique(window.text[~follow_up]).astype(np.int64)


def memberships(window: Window, follow_up: Flags, labels: Codes) -> Codes:
    """The topic of each interaction.

    Args:
        window: n interactions of u texts.
        follow_up: (n,) turns without a question of their own.
        labels: (u,) topic of each text, -1 for noise.

    Returns:
        (n,) topic, -1 for noise.
    """
    topics = np.where(follow_up, np.int32(-1), labels[window.text]).astype(np.int32)
    current: dict[int, int] = {}
    for row, session in enumerate(window.session.codes.tolist()):
        if session < 0:
            continue
        if follow_up[row]:
            topics[row] = current.get(session, -1)
        else:
            current[session] = int(topics[row])
    return topics


@dataclass(frozen=True, slots=True)
class Naming:
    """What k topics are called: each field has k items."""

    ids: Sequence[str]
    names: Sequence[str]
    exemplars: Sequence[Sequence[str]]
    parents: Sequence[str | None]


def describe(window: Window, naming: Naming, *, topics: Codes, failure: Floats) -> tuple[Topic, ...]:
    """The k topics with what they add up to over the window.

    Args:
        window: n interactions.
        naming: What the topics are called.
        topics: (n,) topic of each, -1 for noise.
        failure: (n,) probability that it failed.
    """
    asking = window.people()
    member = [np.flatnonzero(topics == topic) for topic in range(len(naming.ids))]
    return tuple(
        Topic(
            id=naming.ids[topic],
            name=naming.names[topic],
            size=len(rows),
            failure_rate=round(float(failure[rows].mean()), 6) if len(rows) else 0.0,
            exemplars=list(naming.exemplars[topic]),
            parent=naming.parents[topic],
            users=len(np.unique(asking[rows])),
            share=round(len(rows) / len(window), 6),
        )
        for topic, rows in enumerate(member)
    )
