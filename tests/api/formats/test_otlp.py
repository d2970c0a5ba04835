"""OTLP attributes: the current conventions, the legacy ones, OpenInference."""

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
