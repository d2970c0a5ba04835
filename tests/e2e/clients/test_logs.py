"""Events by the GenAI conventions as log records, emitted and sent by OpenTelemetry's SDK."""

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.trace import set_span_in_context

START = 1_790_000_000_000_000_000
DETAILS = "gen_ai.client.inference.operation.details"
QUESTION = "Where is my „card“?"
ANSWER = "On its way."

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "some",
    "gen_ai.request.model": "m1",
    "gen_ai.response.id": "r1",
    "gen_ai.conversation.id": "c1",
    "user.id": "ada",
    "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}],
    "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": ANSWER}]}],
}
TOLD = {
    "occurred_at": START // 1000,
    "query": QUESTION,
    "response": ANSWER,
    "session": "c1",
    "user": "ada",
    "model": "m1",
    "metadata": {"provider": "some", "service": "help"},
}
"""What a call is when it has arrived; its user before hashing. How long it took is not in its event."""


@pytest.fixture
def client(client_of, way):
    return client_of(way)


@pytest.fixture
def log(client):
    """Emits an event while a span is current, which itself says nothing."""
    span = client.tracer().start_span("chat")
    around = set_span_in_context(span)

    def emit(kind, given, *, body=None, context=around, micros=0):
        event = LogRecord(
            event_name=kind, timestamp=START + 1000 * micros, attributes=given, body=body, context=context
        )
        client.logger().emit(event)

    yield emit
    span.end()


def evaluation(name, value=None, label=None, **more):
    given = {"name": name, "score.value": value, "score.label": label}
    return {**{f"gen_ai.evaluation.{part}": said for part, said in given.items() if said is not None}, **more}


EVALUATIONS = [
    (evaluation("relevance", 0.75, explanation="to the point"), {"critics": {"relevance": 0.75}}),
    (evaluation("user_feedback", label="thumbs_down"), {"feedback": -1.0}),
    (evaluation("user_feedback", 1, "like"), {"feedback": 1.0}),
    (evaluation("accepted", label="fail"), {"accepted": False}),
    (evaluation("consciousness_level", 0.5), {"level": 0.5}),
]


def test_a_call_arrives_as_it_was(running, client, log, arrived):
    log(DETAILS, CALL)
    client.send()
    assert arrived() == [running.stored(TOLD)]


def test_a_failed_call(running, client, log, arrived):
    log(DETAILS, {name: value for name, value in {**CALL, "error.type": "timeout"}.items() if "output" not in name})
    client.send()
    told = {name: value for name, value in TOLD.items() if name != "response"}
    assert arrived() == [running.stored({**told, "error": "timeout"})]


@pytest.mark.parametrize("evaluated", EVALUATIONS, ids=lambda evaluated: str(evaluated[1]))
def test_an_evaluation_of_the_current_span(running, client, log, arrived, evaluated):
    given, scored = evaluated
    log(DETAILS, CALL)
    log("gen_ai.evaluation.result", given, micros=5)
    client.send()
    assert arrived() == [running.stored({**TOLD, **scored})]


def test_an_evaluation_from_elsewhere_names_the_response(running, client, log, arrived):
    elsewhere = set_span_in_context(client.tracer().start_span("evaluate"))
    given = evaluation("relevance", 0.25, **{"gen_ai.response.id": "r1"})
    log("gen_ai.evaluation.result", given, context=elsewhere)
    log(DETAILS, CALL)
    client.send()
    assert arrived() == [running.stored({**TOLD, "critics": {"relevance": 0.25}})]


def test_messages_that_are_a_record_each(running, client, log, arrived):
    """Of the conventions up to 2025: the content is in the body, and the role in the name."""
    more = {"gen_ai.system": "some", "gen_ai.request.model": "m1", "gen_ai.conversation.id": "c1", "user.id": "ada"}
    log("gen_ai.system.message", more, body={"content": "Be kind."}, micros=-3)
    log("gen_ai.user.message", more, body={"content": QUESTION}, micros=-2)
    calls = [{"id": "t", "type": "function", "function": {"name": "track", "arguments": "{}"}}]
    log("gen_ai.assistant.message", more, body={"tool_calls": calls}, micros=-2)
    log("gen_ai.tool.message", more, body={"id": "t", "content": "Tuesday"}, micros=-2)
    answer = {"role": "assistant", "content": ANSWER}
    log("gen_ai.choice", more, body={"index": 0, "finish_reason": "stop", "message": answer})
    client.send()
    assert arrived() == [running.stored({**TOLD, "tool": "track"})]


def test_messages_of_several_calls_are_told_apart_by_their_span(client, log, arrived):
    others = [set_span_in_context(client.tracer().start_span("chat")) for _ in range(3)]
    for number, around in enumerate(others):
        log("gen_ai.user.message", {}, body={"content": f"question {number}"}, context=around)
    for number, around in reversed(list(enumerate(others))):
        log("gen_ai.choice", {}, body={"message": {"content": f"answer {number}"}}, context=around)
    client.send()
    told = [(record["query"], record["response"]) for record in arrived()]
    assert told == [(f"question {number}", f"answer {number}") for number in range(3)]


def test_span_and_event_of_one_call_count_once(client, log, arrived):
    texts = {name: value for name, value in CALL.items() if not name.endswith("messages")}
    span = client.tracer().start_span("chat", attributes={**texts, **CALL})
    span.end()
    log(DETAILS, CALL, context=set_span_in_context(span))
    client.send()
    assert [record["query"] for record in arrived()] == [QUESTION]


def test_other_records_are_left_aside(running, client, log, arrived):
    log("db.query", {"db.system": "some"}, body="SELECT 1")
    log(None, {"event.domain": "x"}, body={"content": QUESTION})
    log(DETAILS, CALL)
    client.send()
    assert arrived() == [running.stored(TOLD)]
