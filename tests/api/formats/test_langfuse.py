"""Langfuse exports."""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest

from kaizen_api.formats import Refused

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def blob_time(second):
    return (NOON + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S.%f")


def api_time(second):
    return (NOON + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")


REQUEST = {
    "id": "root",
    "trace_id": "t1",
    "parent_observation_id": "",
    "type": "SPAN",
    "name": "request",
    "start_time": blob_time(0),
    "end_time": blob_time(3),
    "level": "DEFAULT",
    "status_message": "",
    "latency": 3000,
    "environment": "production",
    "input": json.dumps({"question": "Where is my card?"}),
    "output": json.dumps({"answer": "On its way."}),
    "metadata": {"channel": "web", "nested": {"x": 1}},
    "user_id": "u1",
    "session_id": "s1",
}
GENERATION = {
    "id": "call",
    "trace_id": "t1",
    "parent_observation_id": "root",
    "type": "GENERATION",
    "start_time": blob_time(1),
    "end_time": blob_time(2),
    "provided_model_name": "m1",
    "input": json.dumps([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Where is my card?"}]),
    "output": "On its way.",
}
TOOL = {"id": "tool", "trace_id": "t1", "parent_observation_id": "root", "type": "TOOL", "name": "track", "input": "17"}
ON_CALL = {"id": "sc1", "trace_id": "t1", "observation_id": "call", "name": "user-feedback", "value": 1}
ON_TRACE = {"id": "sc2", "trace_id": "t1", "observation_id": "", "name": "tone", "value": 0.5, "data_type": "NUMERIC"}
ON_SESSION = {"id": "sc3", "session_id": "s1", "name": "resolved", "value": 1, "string_value": "True"}
TRACE = [REQUEST, GENERATION, TOOL, ON_CALL, ON_TRACE, ON_SESSION]


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def test_a_trace_is_one_interaction_with_all_its_scores(taken, told):
    (interaction,) = taken(TRACE)
    assert told(interaction) == {
        "query": "Where is my card?",
        "response": "On its way.",
        "occurred_at": NOON + timedelta(seconds=3),
        "response_time": 3.0,
        "session_id": "s1",
        "user_id": "u1",
        "model": "m1",
        "tool": "track",
        "feedback": 1.0,
        "critics": {"tone": 0.5, "resolved": 1.0},
        "metadata": {"channel": "web", "name": "request", "environment": "production"},
    }


def test_the_order_in_the_log_does_not_matter(taken, told):
    expected = told(*taken(TRACE))
    assert all(told(*taken(order)) == expected for order in itertools.permutations(TRACE))


def test_the_api_writes_the_same_in_camel_case(taken, told):
    log = [{camel(name): value for name, value in row.items()} for row in TRACE]
    assert told(*taken(log)) == told(*taken(TRACE))


@pytest.mark.parametrize("indent", [None, 1])
def test_arrays_and_pages_are_read_as_lines_are(taken, told, indent):
    expected = told(*taken(TRACE))
    assert told(*taken(json.dumps(TRACE, indent=indent))) == expected
    assert told(*taken(json.dumps({"data": TRACE, "meta": {"page": 1}}, indent=indent))) == expected


def test_a_trace_with_everything_inside(taken, told):
    trace = {
        "id": "t1",
        "timestamp": api_time(0),
        "name": "chat",
        "sessionId": "s1",
        "userId": "u1",
        "input": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Where is my card?"}]}]},
        "output": {"choices": [{"message": {"role": "assistant", "content": "On its way."}}]},
        "observations": [
            {
                "id": "call",
                "type": "GENERATION",
                "parentObservationId": None,
                "startTime": api_time(0),
                "endTime": api_time(2),
                "model": "m1",
                "input": [{"role": "user", "content": "Where is my card?"}],
                "level": "ERROR",
                "statusMessage": "TimeoutError: no answer within 2 s",
                "scores": [{"id": "sc1", "name": "tone", "value": 0.5}],
            }
        ],
        "scores": [{"id": "sc2", "name": "thumbs", "value": 0, "dataType": "BOOLEAN", "stringValue": "False"}],
    }
    expected = {
        "query": "Where is my card?",
        "response": "On its way.",
        "occurred_at": NOON + timedelta(seconds=2),
        "response_time": 2.0,
        "session_id": "s1",
        "user_id": "u1",
        "model": "m1",
        "error": "TimeoutError",
        "feedback": -1.0,
        "critics": {"tone": 0.5},
        "metadata": {"name": "chat"},
    }
    assert told(*taken([trace])) == expected
    inner = {name: value for name, value in trace.items() if name != "observations"}
    assert told(*taken([{"trace": inner, "observations": trace["observations"]}])) == expected


def test_a_trace_without_texts_lends_its_user_and_session(taken):
    observation = {name: value for name, value in REQUEST.items() if name not in ("user_id", "session_id")}
    (interaction,) = taken([observation, {"id": "t1", "session_id": "s1", "user_id": "u1", "timestamp": blob_time(0)}])
    assert (interaction.session_id, interaction.user_id) == ("s1", "u1")


def test_every_root_that_asks_is_an_interaction(taken):
    roots = [
        {"id": str(number), "trace_id": "t1", "type": "GENERATION", "input": f"q{number}", "output": "a"}
        for number in range(3)
    ]
    assert [item.query for item in taken(roots)] == ["q0", "q1", "q2"]
    alone = [{"id": str(number), "start_time": blob_time(0), "input": "q", "output": "a"} for number in range(2)]
    assert len(taken(alone, format="langfuse")) == 2


def test_latency_counts_only_where_no_end_is_given(taken):
    (given,) = taken([{**REQUEST, "latency": 99}])
    assert given.response_time == 3.0
    (open_ended,) = taken([{**REQUEST, "end_time": None, "latency": 1.5}])
    assert (open_ended.response_time, open_ended.occurred_at) == (1.5, NOON + timedelta(seconds=1.5))
    (backwards,) = taken([{**REQUEST, "end_time": blob_time(-1)}])
    assert backwards.response_time is None


def test_spans_that_wait_for_tools_belong_to_the_answer(taken):
    call = {"tool_calls": [{"id": "1", "function": {"name": "track", "arguments": "{}"}}], "content": None}
    first = {"id": "1", "trace_id": "t", "input": "q", "output": call, "start_time": blob_time(0)}
    last = {
        "id": "2",
        "trace_id": "t",
        "input": "q",
        "output": "a",
        "start_time": blob_time(4),
        "end_time": blob_time(5),
    }
    (interaction,) = taken([first, last])
    assert (interaction.response, interaction.tool, interaction.response_time) == ("a", "track", 5.0)


def test_the_same_question_of_one_trace_has_one_id(taken):
    (one,), (other,) = taken([REQUEST]), taken([{**GENERATION, "parent_observation_id": ""}])
    assert one.id == other.id
    (elsewhere,) = taken([{**REQUEST, "trace_id": "t2"}])
    assert elsewhere.id != one.id


def test_scores_of_a_session_count_once_for_its_last_interaction(taken):
    roots = [{**REQUEST, "id": str(n), "trace_id": str(n), "start_time": blob_time(9 - n)} for n in range(3)]
    assert [item.critics for item in taken([*roots, ON_SESSION])] == [{"resolved": 1.0}, None, None]


def test_scores_of_a_trace_count_for_its_last_interaction(taken):
    roots = [{**REQUEST, "id": str(n), "start_time": blob_time(n), "input": f"q{n}"} for n in (1, 3, 2)]
    unknown_span = {**ON_TRACE, "id": "other", "observation_id": "not exported", "value": 1}
    assert [item.critics for item in taken([*roots, ON_TRACE, unknown_span])] == [None, {"tone": 0.75}, None]


def test_steps_are_no_interactions_and_nothing_under_them_is(taken):
    step = {**REQUEST, "id": "step", "type": "RETRIEVER"}
    under = {**GENERATION, "parent_observation_id": "step"}
    answer = {**GENERATION, "id": "answer", "parent_observation_id": "", "input": "another question"}
    assert [item.query for item in taken([step, under, answer])] == ["another question"]


def test_a_score_that_is_repeated_counts_once(taken):
    (interaction,) = taken([REQUEST, {**ON_TRACE, "value": 0}, {**ON_TRACE, "value": 0}, {**ON_TRACE, "id": "x"}])
    assert interaction.critics == {"tone": 0.25}


def test_words_longer_than_a_label_are_comments(taken):
    (interaction,) = taken([REQUEST, {**ON_TRACE, "value": None, "string_value": "w" * 100}])
    assert interaction.critics is None
    (interaction,) = taken([REQUEST, {**ON_TRACE, "value": None, "string_value": "so so"}])
    assert interaction.metadata["score.tone"] == "so so"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({**ON_TRACE, "trace_id": "elsewhere"}, "belongs to no interaction of this log"),
        ({"id": "sc", "trace_id": "t1", "name": "", "value": 1, "observation_id": "call"}, None),
        ({**GENERATION, "id": "mute", "trace_id": "t9", "input": ""}, "without its texts"),
        ({**GENERATION, "id": "late", "trace_id": "t9", "start_time": "noon"}, "`start_time` is no time"),
        ({"hello": "world"}, "neither an observation, nor a trace, nor a score"),
        ({**REQUEST, "trace_id": "t9", "session_id": "x" * 300}, "`session_id`"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_alone(reads, row, reason):
    items = reads([REQUEST, row, {**REQUEST, "trace_id": "t2"}])
    refused = [(item.line, item.value.reason) for item in items if isinstance(item.value, Refused)]
    assert len(items) - len(refused) == 2
    if reason is None:
        assert refused == []
    else:
        ((line, said),) = refused
        assert line == 2
        assert reason in said


@pytest.mark.parametrize(
    ("given", "query"),
    [
        ("plain words", "plain words"),
        ("[urgent] words", "[urgent] words"),
        ({"args": ["words"], "kwargs": {}}, "words"),
        ({"args": [], "kwargs": {"question": "words"}}, "words"),
        ([{"role": "user", "content": "before"}, {"role": "user", "content": "words"}], "words"),
        ([{"role": "user", "parts": [{"type": "text", "content": "words"}]}], "words"),
        ({"input": {"messages": [{"role": "human", "content": "words"}]}}, "words"),
        ([{"type": "text", "text": "words"}], "words"),
        ({"anything": "words"}, "words"),
        (json.dumps(json.dumps({"query": "words"})), "words"),
    ],
)
def test_the_question_is_found_in_what_was_recorded(taken, given, query):
    (interaction,) = taken([{**REQUEST, "input": given}])
    assert interaction.query == query
