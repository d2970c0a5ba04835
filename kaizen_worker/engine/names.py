"""Names that a language model gives to topics, where the settings name one; else, and wherever it fails, phrases stay.

Rule: the first name that the model gives to a topic stays its name as long as the topic lives and the setting
`naming_model` stays. A name that a person gave is never touched. A topic whose answer was no name is asked for again
when its exemplars are others. So a model is asked about once a topic, and no name goes back and forth.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import msgspec
from msgspec.structs import replace

from kaizen_api import keys
from kaizen_api.errors import BreakerOpen, Unavailable
from kaizen_api.schema import Topic
from kaizen_worker import chat
from kaizen_worker.chat import Chat
from kaizen_worker.engine.runtime import LOG, Tenant
from kaizen_worker.pipeline.naming import accept, question

CALL_SECONDS = 15.0
"""Longest that one question takes."""

CYCLE_SECONDS = 60.0
"""Longest that all questions of a cycle take; who was not asked about is, in the next."""

_DAY = 86_400


class Answered(msgspec.Struct, frozen=True):
    """What came of asking about a topic."""

    model: str
    exemplars: str  # digest of those that were shown
    name: str | None  # None: the answer was no name


def given_names(tenant: Tenant, ids: Sequence[str]) -> dict[str, Answered]:
    """What is known of these topics from the model that is set now, kept for another two retentions; {} without one."""
    if tenant.config.naming_url is None or not ids:
        return {}
    pipe = tenant.redis.pipeline(transaction=False)
    for topic in ids:
        pipe.getex(keys.named(tenant.name, topic), ex=_seconds(tenant))
    stored = cast("list[bytes | None]", pipe.execute())
    pairs = zip(ids, stored, strict=True)
    known = {topic: msgspec.msgpack.decode(one, type=Answered) for topic, one in pairs if one is not None}
    return {topic: asked for topic, asked in known.items() if asked.model == tenant.config.naming_model}


def settle_names(
    tenant: Tenant, topics: Sequence[Topic], given: dict[str, Answered], *, chosen: Mapping[str, str]
) -> tuple[Topic, ...]:
    """The topics, the heaviest first, with the names that the model gave them, now or before; no two alike.

    Those that people chose a name for keep what phrases say, for when that choice is taken back.
    """
    endpoint = chat.configured(tenant.config)
    if endpoint is None:
        return tuple(topics)
    names = {topic.id: topic.name for topic in topics} | dict(chosen)
    open_ = [topic for topic in topics if topic.id not in chosen]
    for topic in open_:
        asked = given.get(topic.id)
        if asked is not None and asked.name is not None and asked.name.casefold() not in _others(names, topic.id):
            names[topic.id] = asked.name
    for topic, name in _ask_all(tenant, endpoint, open_, given, names):
        names[topic.id] = name
    return tuple(topic if topic.id in chosen else replace(topic, name=names[topic.id]) for topic in topics)


def _others(names: dict[str, str], topic: str) -> set[str]:
    return {name.casefold() for other, name in names.items() if other != topic}


def _ask_all(
    tenant: Tenant, endpoint: Chat, topics: Sequence[Topic], given: dict[str, Answered], names: dict[str, str]
) -> Iterable[tuple[Topic, str]]:
    """Ask about those that need it, as long as there is time and the endpoint lets us; `names` as it grows."""
    deadline = time.monotonic() + CYCLE_SECONDS
    breaker = tenant.breaker("naming")
    for topic in topics:
        asked, digest = given.get(topic.id), _digest(topic)
        left = deadline - time.monotonic()
        if asked is not None and (asked.name is not None or asked.exemplars == digest):
            continue
        if left <= 0:
            return
        messages = question(names[topic.id], topic.exemplars, _siblings(topic, topics, names))
        try:
            with breaker.guard():
                answer = endpoint.ask(messages, seconds=min(CALL_SECONDS, left))
        except BreakerOpen:
            return
        except Unavailable as error:
            LOG.warning("naming topics of %s: %s", tenant.name, error)
            if error.retry_after > deadline - time.monotonic():
                return
            continue
        name = accept(answer, _others(names, topic.id))
        _keep(tenant, topic.id, Answered(endpoint.model, digest, name))
        if name is not None:
            yield topic, name


def _siblings(topic: Topic, topics: Sequence[Topic], names: dict[str, str]) -> list[str]:
    """Names of other topics, those of the same group first."""
    group = topic.parent or topic.id
    others = [other for other in topics if other.id != topic.id]
    return [names[other.id] for other in sorted(others, key=lambda other: (other.parent or other.id) != group)]


def _keep(tenant: Tenant, topic: str, asked: Answered) -> None:
    tenant.redis.set(keys.named(tenant.name, topic), msgspec.msgpack.encode(asked), ex=_seconds(tenant))


def _seconds(tenant: Tenant) -> int:
    return 2 * tenant.config.metrics_retention_days * _DAY


def _digest(topic: Topic) -> str:
    return hashlib.blake2b(msgspec.msgpack.encode(topic.exemplars), digest_size=8).hexdigest()
