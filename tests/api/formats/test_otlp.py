"""OTLP traces and logs, from files and for HTTP."""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest

from kaizen_api.formats import Refused, interactions_from_logs, interactions_from_traces

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def value(given):
    match given:
        case bool():
            return {"boolValue": given}
        case int():
            return {"intValue": str(given)}
        case float():
            return {"doubleValue": given}
        case list():
            return {"arrayValue": {"values": [value(item) for item in given]}}
        case dict():
            return {"kvlistValue": {"values": attributes(given)}}
        case _:
            return {"stringValue": given}


def attributes(given):
    return [{"key": name, "value": value(item)} for name, item in given.items()]


def nanoseconds(second):
    return str(int((NOON + timedelta(seconds=second)).timestamp() * 1_000_000) * 1000)


def span(span_id, given, *, parent="", trace="t1", seconds=(0, 1), **more):
    return {
        "traceId": trace,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": "a name",
        "startTimeUnixNano": nanoseconds(seconds[0]),
        "endTimeUnixNano": nanoseconds(seconds[1]),
        "attributes": attributes(given),
        "status": {},
        **more,
    }


def request(*spans, **resource):
    return {
        "resourceSpans": [{"resource": {"attributes": attributes(resource)}, "scopeSpans": [{"spans": list(spans)}]}]
    }


def record(name, given, *, second=0, **more):
    return {"timeUnixNano": nanoseconds(second), "eventName": name, "attributes": attributes(given), **more}


def logs(*records):
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": list(records)}]}]}


def said(role, *parts):
    return [{"role": role, "parts": [{"type": "text", "content": part} for part in parts]}]


QUESTION = said("system", "Be kind.") + said("user", "Where is my card?")
ANSWER = said("assistant", "On its way.")
TOOL_CALL = [{"role": "assistant", "parts": [{"type": "tool_call", "id": "1", "name": "track", "arguments": {}}]}]
CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "some",
    "gen_ai.request.model": "m1",
    "gen_ai.response.model": "m1-2026",
    "gen_ai.response.id": "r1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.conversation.id": "c1",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 3,
    "gen_ai.input.messages": json.dumps(QUESTION),
    "gen_ai.output.messages": json.dumps(ANSWER),
    "user.id": "u1",
    "kaizen.entry_ids": ["e1", "e2"],
}
CHAT_TOLD = {
    "query": "Where is my card?",
    "response": "On its way.",
    "occurred_at": NOON + timedelta(seconds=1),
    "response_time": 1.0,
    "session_id": "c1",
    "user_id": "u1",
    "model": "m1-2026",
    "entry_ids": ["e1", "e2"],
    "metadata": {
        "provider": "some",
        "input_tokens": 12,
        "output_tokens": 3,
        "finish_reason": "stop",
        "service": "help",
    },
}
EVALUATION = {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.75}


def test_the_current_conventions(taken, told):
    (interaction,) = taken([request(span("a", CHAT), **{"service.name": "help"})])
    assert told(interaction) == CHAT_TOLD
    structured = CHAT | {"gen_ai.input.messages": QUESTION, "gen_ai.output.messages": ANSWER}
    (interaction,) = taken([request(span("a", structured), **{"service.name": "help"})])
    assert told(interaction) == CHAT_TOLD


def test_texts_in_a_details_event_of_the_span(taken, told):
    texts = {name: CHAT[name] for name in ("gen_ai.input.messages", "gen_ai.output.messages")}
    bare = {name: item for name, item in CHAT.items() if name not in texts}
    event = {"name": "gen_ai.client.inference.operation.details", "attributes": attributes(texts)}
    (interaction,) = taken([request(span("a", bare, events=[event]), **{"service.name": "help"})])
    assert told(interaction) == CHAT_TOLD


def test_the_legacy_conventions(taken, told):
    given = {
        "gen_ai.system": "some",
        "gen_ai.request.model": "m1",
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "Be kind.",
        "gen_ai.prompt.10.role": "user",
        "gen_ai.prompt.10.content": "And now?",
        "gen_ai.prompt.2.role": "user",
        "gen_ai.prompt.2.content": "Where is my card?",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "On its way.",
    }
    (interaction,) = taken([request(span("a", given))])
    assert told(interaction) == {
        "query": "And now?",
        "response": "On its way.",
        "occurred_at": NOON + timedelta(seconds=1),
        "response_time": 1.0,
        "model": "m1",
        "metadata": {"provider": "some"},
    }


OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "m1",
    "session.id": "s1",
    "user.id": "u1",
    "metadata": '{"plan": "pro"}',
    "input.value": '{"messages": []}',
    "llm.input_messages.0.message.role": "user",
    "llm.input_messages.0.message.contents.0.message_content.type": "text",
    "llm.input_messages.0.message.contents.0.message_content.text": "Where is my card?",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "On its way.",
    "llm.token_count.prompt": 12,
    "annotations.0.annotation.name": "user feedback",
    "annotations.0.annotation.label": "thumbs-down",
    "annotations.0.annotation.annotator_kind": "HUMAN",
    "evaluations.0.evaluation.name": "relevance",
    "evaluations.0.evaluation.score": 0.75,
}


def test_openinference(taken, told):
    (interaction,) = taken([request(span("a", OPENINFERENCE))])
    assert told(interaction) == {
        "query": "Where is my card?",
        "response": "On its way.",
        "occurred_at": NOON + timedelta(seconds=1),
        "response_time": 1.0,
        "session_id": "s1",
        "user_id": "u1",
        "model": "m1",
        "feedback": -1.0,
        "critics": {"relevance": 0.75},
        "metadata": {"plan": "pro", "input_tokens": 12},
    }


def test_openinference_calls_of_tools(taken):
    given = {
        "openinference.span.kind": "LLM",
        "input.value": "Where is my card?",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "track",
    }
    answer = {"openinference.span.kind": "CHAIN", "input.value": "Where is my card?", "output.value": "On its way."}
    (interaction,) = taken([request(span("a", given), span("b", answer, seconds=(2, 3)))])
    assert (interaction.response, interaction.tool, interaction.response_time) == ("On its way.", "track", 3.0)


def test_scores_of_a_trace_and_a_session_are_repeated_on_spans_and_count_once(taken):
    repeated = {
        "trace.annotations.0.annotation.name": "tone",
        "trace.annotations.0.annotation.score": 0,
        "trace.evaluations.0.evaluation.name": "tone",
        "trace.evaluations.0.evaluation.score": 0,
        "session.evaluations.0.evaluation.name": "resolved",
        "session.evaluations.0.evaluation.label": "yes",
    }
    given = {**CHAT, "session.id": "c1", **repeated}
    first = span("a", given, seconds=(0, 1))
    second = span("b", given, trace="t2", seconds=(2, 3))
    one, two = taken([request(first, span("c", given, parent="a")), request(second)])
    assert one.critics == {"tone": 0.0}
    assert two.critics == {"tone": 0.0, "resolved": 1.0}


AGENT = [
    span("web", {"http.method": "POST"}, seconds=(0, 6)),
    span("agent", {**CHAT, "gen_ai.operation.name": "invoke_agent"}, parent="web", seconds=(1, 6)),
    span("first", {**CHAT, "gen_ai.output.messages": TOOL_CALL}, parent="agent", seconds=(1, 2)),
    span("tool", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "track"}, parent="agent"),
    span("inner", {**CHAT, "gen_ai.conversation.id": "x", "gen_ai.input.messages": said("user", "hm")}, parent="tool"),
    span("judge", {"openinference.span.kind": "EVALUATOR"}, parent="web"),
    span("judging", {**CHAT, "gen_ai.input.messages": said("user", "Rate this")}, parent="judge"),
    span(
        "last",
        CHAT,
        parent="agent",
        seconds=(3, 5),
        events=[{"name": "gen_ai.evaluation.result", "attributes": attributes(EVALUATION)}],
    ),
]


def test_an_agent_with_all_its_calls_is_one_interaction(taken):
    (interaction,) = taken([request(*AGENT)])
    assert (interaction.query, interaction.response, interaction.tool) == ("Where is my card?", "On its way.", "track")
    assert (interaction.response_time, interaction.critics) == (5.0, {"relevance": 0.75})


def test_neither_the_order_nor_the_batches_matter(taken, told):
    expected = told(*taken([request(*AGENT)]))
    for order in itertools.islice(itertools.permutations(AGENT), 0, 40_320, 997):
        assert told(*taken([request(item) for item in order])) == expected


def test_calls_without_an_agent_around_them_are_one_interaction(taken):
    first, last = ({**item, "parentSpanId": "web"} for item in AGENT if item["spanId"] in ("first", "last"))
    (interaction,) = taken([request(AGENT[0], first, last)])
    assert (interaction.response, interaction.response_time, interaction.tool) == ("On its way.", 4.0, "track")


def test_what_comes_in_two_requests_has_one_id():
    (of_call,) = interactions_from_traces(request(*AGENT[2:4], AGENT[-1]))
    (of_agent,) = interactions_from_traces(request(*AGENT[:2]))
    assert of_call.id == of_agent.id


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"status": {"code": 2}}, "error"),
        ({"status": {"code": "STATUS_CODE_ERROR", "message": "TimeoutError: nothing came"}}, "TimeoutError"),
        ({"status": {"code": 2, "message": "the service did not say anything useful"}}, "error"),
        ({"status": {"code": 2}, "given": {"error.type": "429"}}, "429"),
        ({"status": {"code": 1}, "event": {"exception.type": "KeyError"}}, None),
        ({"status": {"code": 2}, "event": {"exception.type": "KeyError"}}, "KeyError"),
        ({"status": "odd"}, None),
    ],
)
def test_errors(taken, more, error):
    events = [{"name": "exception", "attributes": attributes(more["event"])}] if "event" in more else []
    (interaction,) = taken(
        [request(span("a", {**CHAT, **more.get("given", {})}, status=more["status"], events=events))]
    )
    assert interaction.error == error


def test_logs_with_their_evaluations(taken, told):
    details = record("gen_ai.client.inference.operation.details", CHAT, second=1, traceId="t1", spanId="a")
    in_body = {**details, "eventName": "", "attributes": attributes({"event.name": details["eventName"]})}
    in_body["body"] = value(CHAT)
    by_response = record("gen_ai.evaluation.result", {**EVALUATION, "gen_ai.response.id": "r1"})
    by_span = record(
        "gen_ai.evaluation.result", {**EVALUATION, "gen_ai.evaluation.name": "tone"}, spanId="a", traceId="t1"
    )
    for log in ([logs(by_span, details, by_response)], [logs(by_response), logs(in_body), logs(by_span)]):
        (interaction,) = taken(log)
        expected = CHAT_TOLD | {"critics": {"relevance": 0.75, "tone": 0.75}}
        assert told(interaction) == {
            **{name: item for name, item in expected.items() if name != "response_time"},
            "metadata": {name: item for name, item in CHAT_TOLD["metadata"].items() if name != "service"},
        }


def test_log_and_span_of_one_call_have_one_id():
    (of_span,) = interactions_from_traces(request(span("a", CHAT)))
    details = record("gen_ai.client.inference.operation.details", CHAT, traceId="t1", spanId="a")
    (of_log,) = interactions_from_logs(logs(details))
    assert of_span.id == of_log.id


def test_what_is_no_conversation_is_left_aside():
    assert interactions_from_traces(request(AGENT[0])) == []
    assert interactions_from_logs(logs(record("db.query", {"x": 1}))) == []
    assert interactions_from_traces({}) == []
    assert interactions_from_logs({"resourceLogs": "none"}) == []


def test_refusals_over_http_name_their_span():
    mute = span("b", {"gen_ai.operation.name": "chat"}, trace="t2")
    orphan = span(
        "c", {}, events=[{"name": "gen_ai.evaluation.result", "attributes": attributes(EVALUATION)}], trace="t3"
    )
    good, silent, lost = interactions_from_traces(request(span("a", CHAT), mute, orphan))
    assert good.query == "Where is my card?"
    assert silent == Refused(
        "spans[1]", "a call of a model without its texts: have the instrumentation record message content"
    )
    assert lost.place == "spans[3]"
    assert "belongs to no interaction" in lost.reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (request(span("x", {"gen_ai.operation.name": "chat"}, trace="x")), "record message content"),
        (request(span("x", {**CHAT, "gen_ai.output.messages": TOOL_CALL}, trace="x")), "nothing in its trace answers"),
        (request(span("x", {**CHAT, "gen_ai.conversation.id": "x" * 300}, trace="x")), "$.session_id"),
        (logs(record("gen_ai.evaluation.result", EVALUATION)), "neither a span nor a response"),
        (logs(record("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "x"}, spanId="a")), "without a name, or"),
        ({"resourceMetrics": []}, "neither `resourceSpans` nor `resourceLogs`"),
        ({"resourceSpans": 5}, None),
        (request(5, span("x", {}, startTimeUnixNano="soon", attributes=7, events={}, parentSpanId=3)), None),
    ],
)
def test_a_line_that_does_not_fit_is_refused_alone(reads, row, reason):
    items = reads([request(span("a", CHAT)), row, request(span("b", CHAT, trace="t2"))])
    refused = [(item.line, item.value.reason) for item in items if isinstance(item.value, Refused)]
    assert len(items) - len(refused) == 2
    if reason is None:
        assert refused == []
    else:
        ((line, said_why),) = refused
        assert line == 2
        assert reason in said_why


def test_spans_that_are_each_other_s_parents_do_no_harm(reads):
    loop = request(span("a", {}, parent="b"), span("b", {}, parent="a"), span("c", CHAT, parent="a"))
    itself = request(span("d", CHAT, parent="d", trace="t2"))
    assert [item.value.query for item in reads([loop, itself])] == ["Where is my card?"] * 2


@pytest.mark.parametrize("name", ["gen_ai.prompt." + "9" * 5000 + ".content", "gen_ai.prompt" + ".0" * 5000])
def test_absurd_names_do_no_harm(taken, name):
    assert len(taken([request(span("a", {**CHAT, name: "x"}))])) == 1
    assert len(taken([request(span("a", {name: "x"}), span("b", CHAT, trace="t2"))])) == 1


def test_deep_values_do_no_harm():
    deep = {"stringValue": "x"}
    for _ in range(5000):
        deep = {"arrayValue": {"values": [deep]}}
    (refused,) = interactions_from_traces(request({**span("a", {}), "attributes": [{"key": "k", "value": deep}]}))
    assert "nested too deeply" in refused.reason
