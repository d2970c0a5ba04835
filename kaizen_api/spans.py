"""Spans of what Kaizen does: recorded where this process has loaded OpenTelemetry, nothing elsewhere.

Guarantee: nothing here imports OpenTelemetry; without it a call looks once into a dictionary, and where a library has
loaded its interface and nobody records, one costs microseconds. A span holds names, ids
and numbers, never a text: of an error its class alone, for what it says may be somebody's data.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from opentelemetry.trace import Link, SpanContext, Tracer

MOST_LINKS = 128
"""Links of one span, which is what OpenTelemetry keeps unless it is told otherwise."""

SCOPE = "kaizen"
"""The name under which all of these are recorded."""

TRACEPARENT = "traceparent"
"""The W3C header by which a trace goes on in another process."""

_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

Value = str | int | float | bool


def loaded() -> Any:
    """OpenTelemetry's interface, None where nobody has loaded it in this process."""
    return sys.modules.get("opentelemetry.trace")


@contextmanager
def span(
    name: str,
    *,
    kind: Literal["INTERNAL", "SERVER", "CONSUMER"] = "INTERNAL",
    parent: str | None = None,
    links: Iterable[str] = (),
    **ids: Value,
) -> Iterator[None]:
    """What is done in the block, as one span.

    Args:
        name: Of a closed set; what is particular stands among the ids.
        kind: Whether it serves a request, does a job, or neither.
        parent: The `traceparent` that came along; None: the present span.
        links: Traces that it works for, as `here` gave them; of different ones the first `MOST_LINKS`.
        ids: Names of attributes, without `kaizen.`, with ids or numbers.
    """
    api = loaded()
    if api is None:
        yield
        return
    with _tracer().start_as_current_span(
        name,
        context=_under(parent),
        kind=api.SpanKind[kind],
        links=_links(links),
        attributes={f"kaizen.{id_}": value for id_, value in ids.items()},
        record_exception=False,
        set_status_on_exception=False,
    ):
        try:
            yield
        except BaseException as error:
            failed(type(error).__qualname__)
            raise


def note(**ids: Value) -> None:
    """More ids for the present span."""
    if (api := loaded()) is not None:
        api.get_current_span().set_attributes({f"kaizen.{id_}": value for id_, value in ids.items()})


def event(name: str, **ids: Value) -> None:
    """Something that happened within the present span."""
    if (api := loaded()) is not None:
        api.get_current_span().add_event(name, {f"kaizen.{id_}": value for id_, value in ids.items()})


def failed(kind: str) -> None:
    """The present span failed, with that kind of error."""
    if (api := loaded()) is not None:
        present = api.get_current_span()
        present.set_attribute("error.type", kind)
        present.set_status(api.StatusCode.ERROR)


def here() -> str | None:
    """The present span for a record, `TRACE-SPAN` in hexadecimal; None where there is none, or it is not recorded."""
    present = _present()
    if present is None or not present.trace_flags.sampled:
        return None
    return f"{present.trace_id:032x}-{present.span_id:016x}"


def carried() -> dict[str, str]:
    """The present span as headers of a message; none where there is none."""
    present = _present()
    if present is None:
        return {}
    return {TRACEPARENT: f"00-{present.trace_id:032x}-{present.span_id:016x}-{present.trace_flags:02x}"}


def ids() -> dict[str, str]:
    """The present span for a log line, under OpenTelemetry's names; none where there is none."""
    present = _present()
    return {} if present is None else {"trace_id": f"{present.trace_id:032x}", "span_id": f"{present.span_id:016x}"}


@cache
def _tracer() -> "Tracer":
    tracer: Tracer = loaded().get_tracer(SCOPE)
    return tracer


def _present() -> "SpanContext | None":
    api = loaded()
    context: SpanContext | None = api and api.get_current_span().get_span_context()
    return context if context is not None and context.is_valid else None


def _under(parent: str | None) -> Any:
    """The context of what goes on here; None, which is the present one, where the header says nothing of use."""
    read = _PARENT.fullmatch(parent or "")
    if read is None:
        return None
    api = loaded()
    context = api.SpanContext(
        int(read[1], 16), int(read[2], 16), is_remote=True, trace_flags=api.TraceFlags(int(read[3], 16))
    )
    return api.set_span_in_context(api.NonRecordingSpan(context)) if context.is_valid else None


def _links(traces: Iterable[str]) -> "list[Link]":
    api, distinct = loaded(), list(dict.fromkeys(traces))[:MOST_LINKS]
    made = [_under(f"00-{trace}-01") for trace in distinct]
    return [api.Link(api.get_current_span(one).get_span_context()) for one in made if one is not None]
