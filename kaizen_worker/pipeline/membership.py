"""From clusters of texts to the topic of each interaction, and what each topic adds up to.

A turn without a question of its own ("still doesn't work") belongs to the topic that was asked about before it in its
session; where there is none it is noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kaizen_api.schema import Topic
from kaizen_worker.pipeline.sketch import Sketch
from kaizen_worker.types import Codes, Flags, Window


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
    rows = np.flatnonzero(window.session.codes >= 0)
    rows = rows[np.argsort(window.session.codes[rows], kind="stable")]
    sessions, places = window.session.codes[rows], np.arange(len(rows))
    asked = np.maximum.accumulate(np.where(follow_up[rows], -1, places))  # the last question up to each turn
    known = asked >= np.searchsorted(sessions, sessions)  # of the same session
    topics[rows] = np.where(known, topics[rows[asked]], np.int32(-1))
    return topics


@dataclass(frozen=True, slots=True)
class Naming:
    """What k topics are called: each field has k items."""

    ids: Sequence[str]
    names: Sequence[str]
    exemplars: Sequence[Sequence[str]]
    parents: Sequence[str | None]

    def of(self, topic: int) -> "Naming":
        """What one of them is called."""
        return Naming([self.ids[topic]], [self.names[topic]], [self.exemplars[topic]], [self.parents[topic]])


def describe(naming: Naming, sketched: Sequence[Sketch], *, interactions: int) -> tuple[Topic, ...]:
    """The k topics with what they add up to.

    Args:
        naming: What the topics are called.
        sketched: k sketches of them.
        interactions: How many there are, with those of no topic.
    """
    return tuple(
        Topic(
            id=naming.ids[topic],
            name=naming.names[topic],
            size=sketch.interactions,
            failure_rate=round(sketch.failure_rate(), 6),
            exemplars=list(naming.exemplars[topic]),
            parent=naming.parents[topic],
            users=sketch.users(),
            share=round(sketch.interactions / interactions, 6),
            signs={sign: round(share, 6) for sign, share in sketch.signs().items()},
            response_time_p50=_seconds(sketch.response_time(0.5)),
            response_time_p95=_seconds(sketch.response_time(0.95)),
        )
        for topic, sketch in enumerate(sketched)
    )


def _seconds(time: float | None) -> float | None:
    return None if time is None else round(time, 6)
