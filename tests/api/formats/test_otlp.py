"""OTLP attributes: the current conventions, the legacy ones, OpenInference."""

import json
from datetime import UTC, datetime, timedelta

import pytest

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_the_current_conventions(taken, told, otlp):
    (interaction,) = taken([otlp.request(otlp.span("a", otlp.CHAT), **{"service.name": "help"})])
    assert told(interaction) == otlp.CHAT_TOLD
    structured = otlp.CHAT | {"gen_ai.input.messages": otlp.QUESTION, "gen_ai.output.messages": otlp.ANSWER}
    (interaction,) = taken([otlp.request(otlp.span("a", structured), **{"service.name": "help"})])
    assert told(interaction) == otlp.CHAT_TOLD


def test_texts_in_a_details_event_of_the_span(taken, told, otlp):
    texts = {name: otlp.CHAT[name] for name in ("gen_ai.input.messages", "gen_ai.output.messages")}
    bare = {name: item for name, item in otlp.CHAT.items() if name not in texts}
    event = {"name": "gen_ai.client.inference.operation.details", "attributes": otlp.attributes(texts)}
    (interaction,) = taken([otlp.request(otlp.span("a", bare, events=[event]), **{"service.name": "help"})])
    assert told(interaction) == otlp.CHAT_TOLD


def test_the_legacy_conventions(taken, told, otlp):
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
    (interaction,) = taken([otlp.request(otlp.span("a", given))])
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


def test_openinference(taken, told, otlp):
    (interaction,) = taken([otlp.request(otlp.span("a", OPENINFERENCE))])
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


def test_openinference_calls_of_tools(taken, otlp):
    given = {
        "openinference.span.kind": "LLM",
        "input.value": "Where is my card?",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "track",
    }
    answer = {"openinference.span.kind": "CHAIN", "input.value": "Where is my card?", "output.value": "On its way."}
    (interaction,) = taken([otlp.request(otlp.span("a", given), otlp.span("b", answer, seconds=(2, 3)))])
    assert (interaction.response, interaction.tool, interaction.response_time) == ("On its way.", "track", 3.0)


def test_what_openinference_says_of_a_failed_call(taken, otlp):
    """No answer names its model, so that the one that was asked for counts."""
    given = {
        "openinference.span.kind": "LLM",
        "llm.system": "some",
        "llm.invocation_parameters": '{"model": "m1"}',
        "input.value": "Where is my card?",
        "llm.finish_reason": "stop",
    }
    (interaction,) = taken([otlp.request(otlp.span("a", given, status={"code": 2}))])
    assert (interaction.model, interaction.error) == ("m1", "error")
    assert interaction.metadata == {"provider": "some", "finish_reason": "stop"}


@pytest.mark.parametrize("parameters", ["", "{", "[]", '{"model": 7.5}', 7, None])
def test_parameters_without_a_model(taken, otlp, parameters):
    given = {"openinference.span.kind": "LLM", "llm.invocation_parameters": parameters, "input.value": "Why?"}
    (interaction,) = taken([otlp.request(otlp.span("a", given))])
    assert (interaction.query, interaction.model) == ("Why?", None)


def test_what_openinference_hides_is_nobodys_question(reads, otlp):
    hidden = {**OPENINFERENCE, "input.value": "__REDACTED__"}
    hidden["llm.input_messages.0.message.contents.0.message_content.text"] = "__REDACTED__"
    (item,) = reads([otlp.request(otlp.span("a", {**hidden, "evaluations.0.evaluation.name": ""}))])[:1]
    assert "without its texts" in item.value.reason


TRACK = {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "track"}}]}
OTHER = {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "other"}}]}
USER = {"role": "user", "content": "Where is my card?"}
RESULT = {"role": "tool", "content": "Tuesday"}


@pytest.mark.parametrize(
    ("asked", "tool"),
    [
        ([USER, TRACK, RESULT], "track"),
        ([USER, TRACK, RESULT, OTHER, RESULT], "track"),
        ([USER, OTHER, RESULT, {"role": "assistant", "content": "so"}, USER, TRACK, RESULT], "track"),
        ([USER, OTHER, RESULT, {"role": "assistant", "content": "so"}, USER], None),
    ],
)
def test_the_tool_is_the_first_since_the_user_spoke(taken, otlp, asked, tool):
    """A call that goes on after a tool's result names it in what it takes, where nothing is around the two."""
    given = {**otlp.CHAT, "gen_ai.input.messages": json.dumps(asked)}
    (interaction,) = taken([otlp.request(otlp.span("a", given))])
    assert (interaction.query, interaction.tool) == ("Where is my card?", tool)


MESSAGE_EVENTS = [
    [
        ("gen_ai.user.message", {"content": "Where is my card?"}),
        ("gen_ai.choice", {"message": "On its way."}),
    ],
    [
        ("gen_ai.user.message", {"gen_ai.event.content": '{"role": "user", "content": "Where is my card?"}'}),
        ("gen_ai.choice", {"gen_ai.event.content": '{"index": 0, "message": {"content": "On its way."}}'}),
    ],
    [
        ("gen_ai.content.prompt", {"gen_ai.prompt": '[{"role": "user", "content": "Where is my card?"}]'}),
        ("gen_ai.content.completion", {"gen_ai.completion": '[{"role": "assistant", "content": "On its way."}]'}),
    ],
]


@pytest.mark.parametrize("said", MESSAGE_EVENTS)
def test_events_of_the_older_conventions(taken, told, otlp, said):
    bare = {name: item for name, item in otlp.CHAT.items() if not name.endswith("messages")}
    events = [{"name": name, "attributes": otlp.attributes(given)} for name, given in said]
    (interaction,) = taken([otlp.request(otlp.span("a", bare, events=events), **{"service.name": "help"})])
    assert told(interaction) == otlp.CHAT_TOLD


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
def test_errors(taken, more, error, otlp):
    events = [{"name": "exception", "attributes": otlp.attributes(more["event"])}] if "event" in more else []
    (interaction,) = taken(
        [otlp.request(otlp.span("a", {**otlp.CHAT, **more.get("given", {})}, status=more["status"], events=events))]
    )
    assert interaction.error == error
