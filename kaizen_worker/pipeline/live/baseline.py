"""What is usual: the limits that a rate must pass before it is news, computed by each cycle from its window.

Each limit is `SLACK` times an upper bound of the window's rate, so that few data make a high limit, not an alarm. Rows
count as the detector counts them: by the live rule of assignment, and each person once (`repeats`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from kaizen_worker.pipeline.live.forming import KNOWN, Groups, Member
from kaizen_worker.pipeline.live.repeats import repeated
from kaizen_worker.types import Clusters, Codes, Flags, Floats, Vectors, Window

SLACK = 1.5
"""Times the usual rate that is still nothing."""

SLOW = 0.95
"""Quantile of a topic's response times above which an answer is slow for it."""

_SURE = 0.99  # of the upper bounds
_ALIKE = 200.0  # interactions that an hour has in common with the others before it is known by itself
_ALIKE_TOPICS = 50.0  # likewise of a topic and all others
_FEW_TIMES = 40  # answers below which a topic's own quantile says little
_MOST = 0.95  # a limit beyond which nothing is left to find
_RHYTHM = 3.0  # errors and slow answers may be so much more frequent in the worst hour of the day than on average
_NEAR = 0.25  # quantile of the cosines of two texts of one topic
_COMPARED = 24  # texts of a topic
_EQUAL = 1e-3  # cosines that differ by less are the same
_ALIKE_TEXTS = 0.9  # and at most this, where a topic is one text
_LOOKED_AT = 20_000  # unassigned interactions of the window that are grouped
_LEADERS = 512
_HOUR = 3_600_000_000
_HOURS = 24


@dataclass(frozen=True, slots=True)
class Baseline:
    """The usual rates of k topics; where there are k + 1, the last one is of everything. g groups are known."""

    topics: tuple[str, ...]  # k ids
    names: tuple[str, ...]  # k
    share_limit: NDArray[np.float32]  # (24, k) of each topic's share of the interactions, by the hour of the day, UTC
    error_limit: Floats  # (k + 1,) of the share of errors
    slow_limit: Floats  # (k + 1,) of the share of answers over `slow_over`
    slow_over: Floats  # (k + 1,) seconds; the last one for what is in no topic
    time: Floats  # (k + 1,) usual response time, seconds, NaN where there is none
    near: float  # cosine of two texts of one topic, at least
    fence: float  # the same of two texts that live assignment takes for members
    known: Vectors  # (g, d) middles of groups of the window's noise
    known_texts: tuple[str, ...]  # g, the first text of each
    known_limit: Floats  # (g,) of their shares
    new_limit: float  # of the share of a group that is not known

    @property
    def place(self) -> dict[str, int]:
        """Code of each topic by its id."""
        return {topic: code for code, topic in enumerate(self.topics)}


def baseline(
    window: Window, topic: Codes, clusters: Clusters, *, named: tuple[Sequence[str], Sequence[str]]
) -> Baseline:
    """The limits of a window.

    Args:
        window: n interactions.
        topic: (n,) of each by live assignment, -1 for none.
        clusters: The k topics it was assigned by.
        named: Ids and names of the topics, k each.
    """
    k, people = len(named[0]), window.people().astype(np.int64)
    what = np.where(topic >= 0, topic, k + window.text).astype(np.int64)
    fresh = ~repeated(what * (int(people.max(initial=0)) + 1) + people)
    topic_of, hour = topic[fresh], (window.occurred_at[fresh] // _HOUR)
    times = window.response_time[fresh]
    over, usual = _times(topic_of, times, k)
    slow = times > over[topic_of]  # -1 is the last one, for what is in no topic
    timed = ~np.isnan(times)
    near = _near(window, topic)
    rows = np.flatnonzero(fresh & (topic < 0))
    known, counts = _noise(window, rows, people, near)
    bounds = SLACK * _upper(counts, float(fresh.sum()))
    return Baseline(
        topics=tuple(named[0]),
        names=tuple(named[1]),
        share_limit=_shares(topic_of, hour, k),
        error_limit=_rates(topic_of, window.error.codes[fresh] >= 0, hour, k),
        slow_limit=_rates(topic_of[timed], slow[timed], hour[timed], k),
        slow_over=over,
        time=usual,
        near=near,
        fence=min(max(clusters.threshold, 0.0) ** 2, near),
        known=np.array([mean for mean, _ in known], np.float32).reshape(len(known), window.vectors.shape[1]),
        known_texts=tuple(text for _, text in known),
        known_limit=np.minimum(bounds[: len(known)], _MOST),
        new_limit=float(min(bounds[len(known)], _MOST)),
    )


def _upper(hits: Floats, trials: Floats | float) -> Floats:
    """Clopper and Pearson's upper bound of a rate (1934)."""
    return np.asarray(betaincinv(hits + 1, np.maximum(trials - hits, 0.5), _SURE), np.float64)


def _shares(topic: Codes, hour: NDArray[np.int64], k: int) -> NDArray[np.float32]:
    """The largest usual share of each topic within an hour of that hour of the day, (24, k).

    An hour of the day is judged by all its days, with what it has in common with all other hours; and by its strongest
    day, for weeks have a rhythm too.
    """
    overall = (np.bincount(topic[topic >= 0], minlength=k) + 0.5) / (len(topic) + 1)
    hits, trials = np.zeros((_HOURS, k)), np.zeros((_HOURS, 1))
    days = list(_days(topic, hour, k))
    for of_day, seen in days:
        hits += of_day
        trials += seen
    mean = (hits + _ALIKE * overall) / (trials + _ALIKE)
    bound = _upper(hits + _ALIKE * overall, trials + _ALIKE)
    for of_day, seen in days:
        bound = np.maximum(bound, (of_day + _ALIKE * mean) / (seen + _ALIKE))
    around = np.maximum(bound, np.maximum(np.roll(bound, 1, axis=0), np.roll(bound, -1, axis=0)))
    return np.minimum(SLACK * around, _MOST).astype(np.float32)


def _days(topic: Codes, hour: NDArray[np.int64], k: int) -> Iterator[tuple[Floats, Floats]]:
    """For each day: interactions of each topic by hour, (24, k), and of all, (24, 1)."""
    day = hour // _HOURS
    edges = np.flatnonzero(np.diff(day)) + 1
    for rows in np.split(np.arange(len(topic)), edges):
        of_day = (hour[rows] % _HOURS) * (k + 1) + topic[rows] + 1
        counts = np.bincount(of_day, minlength=_HOURS * (k + 1)).reshape(_HOURS, k + 1).astype(np.float64)
        yield counts[:, 1:], counts.sum(axis=1, keepdims=True)


def _rates(topic: Codes, flag: Flags, hour: NDArray[np.int64], k: int) -> Floats:
    """The limit of a sign's rate in each topic and over all, (k + 1,)."""
    member = topic >= 0
    hits = np.append(np.bincount(topic[member & flag], minlength=k), flag.sum()).astype(np.float64)
    trials = np.append(np.bincount(topic[member], minlength=k), len(topic)).astype(np.float64)
    overall = (hits[-1] + 0.5) / (trials[-1] + 1)
    rhythm = _rhythm(flag, hour, overall)
    shared = np.append(np.full(k, _ALIKE_TOPICS), 0.0)
    bound = _upper(hits + shared * overall, trials + shared)
    return np.minimum(SLACK * rhythm * bound, _MOST)


def _rhythm(flag: Flags, hour: NDArray[np.int64], overall: float) -> float:
    """How many times its average rate a sign has in its worst hour of the day."""
    of_day = (hour % _HOURS).astype(np.intp)
    seen = np.bincount(of_day, minlength=_HOURS)
    rates = (np.bincount(of_day[flag], minlength=_HOURS) + _ALIKE * overall) / (seen + _ALIKE)
    return float(np.clip(rates.max() / overall, 1.0, _RHYTHM))


def _times(topic: Codes, times: Floats, k: int) -> tuple[Floats, Floats]:
    """Response time over which an answer of each topic is slow, and the usual one, (k + 1,); the last one over all."""
    over, usual = np.full(k + 1, np.inf), np.full(k + 1, np.nan)
    timed = np.flatnonzero(~np.isnan(times))
    if not len(timed):
        return over, usual
    over[:], usual[:] = np.quantile(times[timed], SLOW), np.median(times[timed])
    timed = timed[np.argsort(topic[timed], kind="stable")]
    edges = np.searchsorted(topic[timed], np.arange(k + 1))
    for code in range(k):
        own = times[timed[edges[code] : edges[code + 1]]]
        if len(own) >= _FEW_TIMES:
            over[code], usual[code] = np.quantile(own, SLOW), np.median(own)
    return over, usual


def _near(window: Window, topic: Codes) -> float:
    """The cosine that two texts of one topic have to each other, at least."""
    text, first = np.unique(window.text[topic >= 0], return_index=True)
    codes = topic[topic >= 0][first]
    text = text[np.argsort(codes, kind="stable")]
    pairs: list[Floats] = [np.empty(0)]
    for rows in np.split(text, np.flatnonzero(np.diff(np.sort(codes))) + 1):
        own = window.vectors[rows[:_COMPARED]].astype(np.float32)
        pairs.append((own @ own.T)[np.triu_indices(len(own), 1)].astype(np.float64))
    alike = np.concatenate(pairs)
    return float(min(np.quantile(alike, _NEAR) - _EQUAL, _ALIKE_TEXTS)) if len(alike) else _ALIKE_TEXTS


def _noise(
    window: Window, rows: NDArray[np.intp], people: NDArray[np.int64], near: float
) -> tuple[list[tuple[NDArray[np.float32], str]], Floats]:
    """Middle and first text of the largest groups in some rows, and how many rows each reaches; then any other's."""
    step = max(1, -(-len(rows) // _LOOKED_AT))
    groups, width = Groups.empty(_LEADERS, window.vectors.shape[1]), np.full(_LEADERS, near)
    for row in rows[::step].tolist():
        vector = window.vectors[window.text[row]].astype(np.float32)
        found = groups.place(vector, near=width)
        if found is None and groups.sizes.all():
            continue
        slot, cosine = found or (groups.open(), 1.0)
        member = Member(window.ids[row], int(people[row]), window.texts[window.text[row]], 0, 0, cosine)
        if member.asker not in {one.asker for one in groups.members[slot]}:
            first = groups.members[slot][:1] or [member]
            groups.join(slot, vector, member, turn=row)
            groups.members[slot] = [*first, *groups.members[slot][1:]]
    order = np.argsort(-groups.sizes, kind="stable")
    used = [int(slot) for slot in order if groups.sizes[slot] > 1]
    counts = _reached(window.vectors[window.text[rows[::step]]].astype(np.float32), groups.means[used], near) * step
    return [(groups.means[slot], groups.members[slot][0].text) for slot in used[:KNOWN]], counts


def _reached(vectors: Vectors, means: Vectors, near: float) -> Floats:
    """How many vectors (m, d) each known group would have if it were alone; then the most that another would have.

    While interactions arrive there are fewer groups than here, so none may count on the others to take their share.
    """
    near_to = vectors @ means.T >= near
    rest = near_to[~near_to[:, :KNOWN].any(axis=1), KNOWN:].sum(axis=0)
    return np.append(near_to[:, :KNOWN].sum(axis=0), rest.max(initial=1)).astype(np.float64)
