"""OTLP requests: traces and logs, from files and for HTTP."""

import itertools

import pytest

from kaizen_api.formats import Refused, interactions_from_logs, interactions_from_traces


def test_scores_of_a_trace_and_a_session_are_repeated_on_spans_and_count_once(taken, otlp):
    repeated = {
        "trace.annotations.0.annotation.name": "tone",
        "trace.annotations.0.annotation.score": 0,
        "trace.evaluations.0.evaluation.name": "tone",
        "trace.evaluations.0.evaluation.score": 0,
        "session.evaluations.0.evaluation.name": "resolved",
        "session.evaluations.0.evaluation.label": "yes",
    }
    given = {**otlp.CHAT, "session.id": "c1", **repeated}
    once = {"session.evaluations.1.evaluation.name": "resolved", "session.evaluations.1.evaluation.label": "no"}
    first = otlp.span("a", {**given, **once}, seconds=(0, 1))
    second = otlp.span("b", given, trace="t2", seconds=(2, 3))
    one, two = taken([otlp.request(first, otlp.span("c", given, parent="a")), otlp.request(second)])
    assert one.critics == {"tone": 0.0}
    assert two.critics == {"tone": 0.0, "resolved": 0.5}


def test_spans_of_one_id_in_two_traces_keep_their_scores_apart(taken, otlp):
    given = {**otlp.CHAT, "annotations.0.annotation.name": "tone", "annotations.0.annotation.score": 0.5}
    both = taken([otlp.request(otlp.span("a", given, trace="t1")), otlp.request(otlp.span("a", given, trace="t2"))])
    assert [item.critics for item in both] == [{"tone": 0.5}] * 2


@pytest.fixture
def agent(otlp):
    return [
        otlp.span("web", {"http.method": "POST"}, seconds=(0, 6)),
        otlp.span("agent", {**otlp.CHAT, "gen_ai.operation.name": "invoke_agent"}, parent="web", seconds=(1, 6)),
        otlp.span("first", {**otlp.CHAT, "gen_ai.output.messages": otlp.TOOL_CALL}, parent="agent", seconds=(1, 2)),
        otlp.span("tool", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "track"}, parent="agent"),
        otlp.span(
            "inner",
            {**otlp.CHAT, "gen_ai.conversation.id": "x", "gen_ai.input.messages": otlp.said("user", "hm")},
            parent="tool",
        ),
        otlp.span("judge", {"openinference.span.kind": "EVALUATOR"}, parent="web"),
        otlp.span("judging", {**otlp.CHAT, "gen_ai.input.messages": otlp.said("user", "Rate this")}, parent="judge"),
        otlp.span(
            "last",
            otlp.CHAT,
            parent="agent",
            seconds=(3, 5),
            events=[{"name": "gen_ai.evaluation.result", "attributes": otlp.attributes(otlp.EVALUATION)}],
        ),
    ]


def test_an_agent_with_all_its_calls_is_one_interaction(taken, otlp, agent):
    (interaction,) = taken([otlp.request(*agent)])
    assert (interaction.query, interaction.response, interaction.tool) == ("Where is my card?", "On its way.", "track")
    assert (interaction.response_time, interaction.critics) == (5.0, {"relevance": 0.75})


def test_neither_the_order_nor_the_batches_matter(taken, told, otlp, agent):
    expected = told(*taken([otlp.request(*agent)]))
    for order in itertools.islice(itertools.permutations(agent), 0, 40_320, 997):
        assert told(*taken([otlp.request(item) for item in order])) == expected


def test_calls_without_an_agent_around_them_are_one_interaction(taken, otlp, agent):
    first, last = ({**item, "parentSpanId": "web"} for item in agent if item["spanId"] in ("first", "last"))
    (interaction,) = taken([otlp.request(agent[0], first, last)])
    assert (interaction.response, interaction.response_time, interaction.tool) == ("On its way.", 4.0, "track")


def test_what_comes_in_two_requests_has_one_id(otlp, agent):
    (of_call,) = interactions_from_traces(otlp.request(*agent[2:4], agent[-1]))
    (of_agent,) = interactions_from_traces(otlp.request(*agent[:2]))
    assert of_call.id == of_agent.id


def test_logs_with_their_evaluations(taken, told, otlp):
    details = otlp.record("gen_ai.client.inference.operation.details", otlp.CHAT, second=1, traceId="t1", spanId="a")
    in_body = {**details, "eventName": "", "attributes": otlp.attributes({"event.name": details["eventName"]})}
    in_body["body"] = otlp.value(otlp.CHAT)
    by_response = otlp.record("gen_ai.evaluation.result", {**otlp.EVALUATION, "gen_ai.response.id": "r1"})
    by_span = otlp.record(
        "gen_ai.evaluation.result", {**otlp.EVALUATION, "gen_ai.evaluation.name": "tone"}, spanId="a", traceId="t1"
    )
    for log in (
        [otlp.logs(by_span, details, by_response)],
        [otlp.logs(by_response), otlp.logs(in_body), otlp.logs(by_span)],
    ):
        (interaction,) = taken(log)
        expected = otlp.CHAT_TOLD | {"critics": {"relevance": 0.75, "tone": 0.75}}
        assert told(interaction) == {
            **{name: item for name, item in expected.items() if name != "response_time"},
            "metadata": {name: item for name, item in otlp.CHAT_TOLD["metadata"].items() if name != "service"},
        }


def test_messages_that_are_a_record_each(otlp):
    asked = otlp.record("gen_ai.user.message", {"session.id": "s1"}, spanId="a", traceId="t1")
    asked["body"] = otlp.value({"content": "Where is my card?"})
    answered = otlp.record("gen_ai.choice", {}, second=3, spanId="a", traceId="t1")
    answered["body"] = otlp.value({"message": {"content": "On its way."}})
    score = otlp.record("gen_ai.evaluation.result", otlp.EVALUATION, spanId="a", traceId="t1")
    (interaction,) = interactions_from_logs(otlp.logs(answered, score, asked))
    assert (interaction.query, interaction.response) == ("Where is my card?", "On its way.")
    assert (interaction.session_id, interaction.critics) == ("s1", {"relevance": 0.75})
    assert (interaction.occurred_at.second, interaction.response_time) == (3, None)
    (refused,) = interactions_from_logs(otlp.logs({**asked, "spanId": ""}))
    assert "outside of a span" in refused.reason
    (silent,) = interactions_from_logs(otlp.logs({**asked, "body": None}))
    assert "without its texts" in silent.reason


def test_log_and_span_of_one_call_have_one_id(otlp):
    (of_span,) = interactions_from_traces(otlp.request(otlp.span("a", otlp.CHAT)))
    details = otlp.record("gen_ai.client.inference.operation.details", otlp.CHAT, traceId="t1", spanId="a")
    (of_log,) = interactions_from_logs(otlp.logs(details))
    assert of_span.id == of_log.id


def test_what_is_no_conversation_is_left_aside(otlp, agent):
    assert interactions_from_traces(otlp.request(agent[0])) == []
    assert interactions_from_logs(otlp.logs(otlp.record("db.query", {"x": 1}))) == []
    assert interactions_from_traces({}) == []
    assert interactions_from_logs({"resourceLogs": "none"}) == []


def test_refusals_over_http_name_their_span(otlp):
    mute = otlp.span("b", {"gen_ai.operation.name": "chat"}, trace="t2")
    orphan = otlp.span(
        "c",
        {},
        events=[{"name": "gen_ai.evaluation.result", "attributes": otlp.attributes(otlp.EVALUATION)}],
        trace="t3",
    )
    good, silent, lost = interactions_from_traces(otlp.request(otlp.span("a", otlp.CHAT), mute, orphan))
    assert good.query == "Where is my card?"
    assert silent == Refused(
        "spans[1]", "a call of a model without its texts: have the instrumentation record message content"
    )
    assert lost.place == "spans[3]"
    assert "belongs to no interaction" in lost.reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            lambda otlp: otlp.request(otlp.span("x", {"gen_ai.operation.name": "chat"}, trace="x")),
            "record message content",
        ),
        (
            lambda otlp: otlp.request(
                otlp.span("x", {**otlp.CHAT, "gen_ai.output.messages": otlp.TOOL_CALL}, trace="x")
            ),
            "nothing in its trace answers",
        ),
        (
            lambda otlp: otlp.request(otlp.span("x", {**otlp.CHAT, "gen_ai.conversation.id": "x" * 300}, trace="x")),
            "`session_id`",
        ),
        (
            lambda otlp: otlp.logs(otlp.record("gen_ai.evaluation.result", otlp.EVALUATION)),
            "neither a span nor a response",
        ),
        (
            lambda otlp: otlp.logs(
                otlp.record("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "x"}, spanId="a")
            ),
            "without a name, or",
        ),
        (lambda _: {"resourceMetrics": []}, "neither `resourceSpans` nor `resourceLogs`"),
        (lambda _: {"resourceSpans": 5}, None),
        (
            lambda otlp: otlp.request(
                5, otlp.span("x", {}, startTimeUnixNano="soon", attributes=7, events={}, parentSpanId=3)
            ),
            None,
        ),
    ],
)
def test_a_line_that_does_not_fit_is_refused_alone(reads, row, reason, otlp):
    items = reads(
        [otlp.request(otlp.span("a", otlp.CHAT)), row(otlp), otlp.request(otlp.span("b", otlp.CHAT, trace="t2"))]
    )
    refused = [(item.line, item.value.reason) for item in items if isinstance(item.value, Refused)]
    assert len(items) - len(refused) == 2
    if reason is None:
        assert refused == []
    else:
        ((line, said_why),) = refused
        assert line == 2
        assert reason in said_why


def test_spans_that_are_each_other_s_parents_do_no_harm(reads, otlp):
    loop = otlp.request(
        otlp.span("a", {}, parent="b"), otlp.span("b", {}, parent="a"), otlp.span("c", otlp.CHAT, parent="a")
    )
    itself = otlp.request(otlp.span("d", otlp.CHAT, parent="d", trace="t2"))
    assert [item.value.query for item in reads([loop, itself])] == ["Where is my card?"] * 2


@pytest.mark.parametrize("name", ["gen_ai.prompt." + "9" * 5000 + ".content", "gen_ai.prompt" + ".0" * 5000])
def test_absurd_names_do_no_harm(taken, name, otlp):
    assert len(taken([otlp.request(otlp.span("a", {**otlp.CHAT, name: "x"}))])) == 1
    assert len(taken([otlp.request(otlp.span("a", {name: "x"}), otlp.span("b", otlp.CHAT, trace="t2"))])) == 1


def test_deep_values_do_no_harm(otlp):
    deep = {"stringValue": "x"}
    for _ in range(5000):
        deep = {"arrayValue": {"values": [deep]}}
    (refused,) = interactions_from_traces(
        otlp.request({**otlp.span("a", {}), "attributes": [{"key": "k", "value": deep}]})
    )
    assert "nested too deeply" in refused.reason
