"""Spans by the GenAI conventions, recorded and sent by OpenTelemetry's SDK: what arrives equals what was recorded."""

import json
from contextlib import contextmanager

import pytest
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

START = 1_790_000_000_000_000_000
SECOND = 1_000_000_000

QUESTION = "Wo ist meine „Karte“? 🙂\n\tItem \\ 7"
ANSWER = 'On its way: {"day": "Tuesday"}'


def message(role, *parts, **more):
    return {"role": role, "parts": list(parts), **more}


def text(content):
    return {"type": "text", "content": content}


ASKED = [message("system", text("Be kind.")), message("user", text(QUESTION))]
ANSWERED = [message("assistant", text(ANSWER), finish_reason="stop")]

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "some",
    "gen_ai.request.model": "m1",
    "gen_ai.response.model": "m1-2026",
    "gen_ai.response.id": "r1",
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.request.temperature": 0.5,
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 7,
    "gen_ai.conversation.id": "c1",
    "user.id": "ada",
}
TEXTS = {"gen_ai.input.messages": json.dumps(ASKED), "gen_ai.output.messages": json.dumps(ANSWERED)}

CALLED = {
    "occurred_at": START // 1000 + 1_500_000,
    "query": QUESTION,
    "response": ANSWER,
    "response_time": 1.5,
    "session": "c1",
    "user": "ada",
    "model": "m1-2026",
    "metadata": {
        "provider": "some",
        "input_tokens": 12,
        "output_tokens": 7,
        "finish_reason": "stop",
        "service": "help",
    },
}
"""What a call is when it has arrived; its user before hashing."""


@contextmanager
def spanning(tracer, given, *, seconds=(0.0, 1.5), within=None, kind=SpanKind.CLIENT):
    """A span of a trace of its own, or in another span; times after START."""
    around = set_span_in_context(within) if within else None
    begin, end = (START + int(second * SECOND) for second in seconds)
    span = tracer.start_span("chat m1", context=around, kind=kind, attributes=given, start_time=begin)
    yield span
    span.end(end)


def attributes(tracer):
    with spanning(tracer, {**CALL, **TEXTS}):
        pass
    return CALLED


def structured(tracer):
    """Messages as what they are, where others write them as JSON."""
    texts = {"gen_ai.input.messages": ASKED, "gen_ai.output.messages": ANSWERED}
    with spanning(tracer, {**CALL, **texts}):
        pass
    return CALLED


def details_event(tracer):
    with spanning(tracer, CALL) as span:
        span.add_event("gen_ai.client.inference.operation.details", TEXTS)
    return CALLED


def content_events(tracer):
    """Of the conventions of 2024: one event for each side."""
    asked = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": QUESTION}]
    with spanning(tracer, CALL) as span:
        span.add_event("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps(asked)})
        answered = [{"role": "assistant", "content": ANSWER}]
        span.add_event("gen_ai.content.completion", {"gen_ai.completion": json.dumps(answered)})
    return CALLED


def message_events(tracer):
    """Of the conventions up to 2025: one event for each message."""
    with spanning(tracer, CALL) as span:
        span.add_event("gen_ai.system.message", {"content": "Be kind."})
        span.add_event("gen_ai.user.message", {"gen_ai.system": "some", "content": QUESTION})
        span.add_event("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": ANSWER})
    return CALLED


def message_events_in_json(tracer):
    told = {"message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop", "index": 0}
    with spanning(tracer, CALL) as span:
        asked = {"role": "user", "content": QUESTION}
        span.add_event("gen_ai.user.message", {"gen_ai.event.content": json.dumps(asked)})
        span.add_event("gen_ai.choice", {"gen_ai.event.content": json.dumps(told)})
    return CALLED


def flattened(tracer):
    """Of the conventions before those: each message an attribute."""
    sides = {"prompt.0": ("system", "Be kind."), "prompt.1": ("user", QUESTION), "completion.0": ("assistant", ANSWER)}
    flat = {
        f"gen_ai.{name}.{field}": value
        for name, said in sides.items()
        for field, value in zip(("role", "content"), said, strict=True)
    }
    older = {name: value for name, value in CALL.items() if name != "gen_ai.provider.name"}
    with spanning(tracer, {**older, "gen_ai.system": "some", **flat}):
        pass
    return CALLED


def agent(tracer):
    """A web request, an agent in it, its calls and its tool: one interaction."""
    tool_call = {"type": "tool_call", "id": "t", "name": "track", "arguments": {"card": 7}}
    result = {"type": "tool_call_response", "id": "t", "response": "Tuesday"}
    first = {**CALL, **TEXTS, "gen_ai.output.messages": json.dumps([message("assistant", tool_call)])}
    resumed = [*ASKED, message("assistant", tool_call), message("tool", result)]
    last = {**CALL, **TEXTS, "gen_ai.input.messages": json.dumps(resumed)}
    whole = {**CALL, **TEXTS, "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
    ran = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "track", "gen_ai.tool.call.id": "t"}
    with (
        spanning(tracer, {"http.request.method": "POST"}, seconds=(0, 5), kind=SpanKind.SERVER) as web,
        spanning(tracer, whole, seconds=(0.25, 4.75), within=web, kind=SpanKind.INTERNAL) as around,
    ):
        with spanning(tracer, first, seconds=(0.5, 1), within=around):
            pass
        with spanning(tracer, ran, seconds=(1, 2), within=around, kind=SpanKind.INTERNAL):
            pass
        with spanning(tracer, last, seconds=(2, 4.5), within=around):
            pass
    metadata = {**CALLED["metadata"], "agent": "helper"}
    times = {"occurred_at": START // 1000 + 4_750_000, "response_time": 4.5}
    return {**CALLED, **times, "tool": "track", "metadata": metadata}


def failed(tracer):
    unanswered = {name: value for name, value in {**CALL, **TEXTS}.items() if "output" not in name}
    with spanning(tracer, {**unanswered, "error.type": "429"}) as span:
        span.record_exception(TimeoutError("no answer in 1.5 s"))
        span.set_status(Status(StatusCode.ERROR, "no answer"))
    metadata = {name: value for name, value in CALLED["metadata"].items() if name != "output_tokens"}
    told = {name: value for name, value in CALLED.items() if name != "response"}
    return {**told, "error": "429", "metadata": metadata}


def failed_with_an_exception_alone(tracer):
    with spanning(tracer, {**CALL, **TEXTS}) as span:
        span.record_exception(TimeoutError("no answer in 1.5 s"))
        span.set_status(Status(StatusCode.ERROR, "no answer"))
    return {**CALLED, "error": "TimeoutError"}


def survived(tracer):
    with spanning(tracer, {**CALL, **TEXTS}) as span:
        span.record_exception(TimeoutError("once, then it went well"))
    return CALLED


def judged(tracer):
    """Evaluations as events of the span."""
    kind = "gen_ai.evaluation.result"
    with spanning(tracer, {**CALL, **TEXTS}) as span:
        span.add_event(kind, {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.75})
        span.add_event(
            kind, {"gen_ai.evaluation.name": "user_feedback", "gen_ai.evaluation.score.label": "thumbs_down"}
        )
        span.add_event(kind, {"gen_ai.evaluation.name": "accepted", "gen_ai.evaluation.score.label": "pass"})
    return {**CALLED, "critics": {"relevance": 0.75}, "feedback": -1.0, "accepted": True}


def knowing(tracer):
    """Names the entries of Kaizen that the answer rests on."""
    with spanning(tracer, {**CALL, **TEXTS, "kaizen.entry_ids": ["e1", "e2"]}):
        pass
    return {**CALLED, "entry_ids": ["e1", "e2"]}


SENT = [
    attributes,
    structured,
    details_event,
    content_events,
    message_events,
    message_events_in_json,
    flattened,
    agent,
    failed,
    failed_with_an_exception_alone,
    survived,
    judged,
    knowing,
]


@pytest.mark.parametrize("record", SENT, ids=lambda record: record.__name__)
def test_what_arrives_equals_what_was_recorded(running, client_of, arrived, way, record):
    client = client_of(way)
    told = record(client.tracer())
    client.send()
    assert arrived() == [running.stored(told)]


def test_what_is_no_conversation_is_left_aside(running, client_of, arrived, way):
    client = client_of(way)
    with spanning(client.tracer(), {"http.request.method": "GET"}, kind=SpanKind.SERVER):
        pass
    told = attributes(client.tracer())
    client.send()
    assert arrived() == [running.stored(told)]


def test_many_in_several_requests_arrive_once_each(client_of, arrived, way):
    client = client_of(way)
    for number in range(1200):
        asked = json.dumps([message("user", text(f"question {number}"))])
        with spanning(client.tracer(), {**CALL, **TEXTS, "gen_ai.input.messages": asked}):
            pass
    client.send()
    assert [record["query"] for record in arrived()] == [f"question {number}" for number in range(1200)]
