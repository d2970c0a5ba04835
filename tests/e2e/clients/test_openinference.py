"""OpenInference's instrumentor of a model provider's client, end to end: instrumented calls become interactions."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest
from openinference.instrumentation import OITracer, TraceConfig, using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

QUESTION = "Where is my card?"
PIECES = ("On its ", "way.")
ANSWER = "".join(PIECES)
ASKED = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": QUESTION}]
USAGE = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}
TOOLS = [{"type": "function", "function": {"name": "track", "parameters": {"type": "object"}}}]
TOOL_CALL = {"id": "t1", "type": "function", "function": {"name": "track", "arguments": '{"card": 7}'}}
TOLD = {
    "query": QUESTION,
    "response": ANSWER,
    "session": "c1",
    "user": "ada",
    "model": "m1-2026",
    "metadata": {
        "plan": "pro",
        "provider": "openai",
        "input_tokens": 12,
        "output_tokens": 7,
        "finish_reason": "stop",
        "service": "help",
    },
}


def without(told, *names):
    kept = {name: value for name, value in told.items() if name not in names}
    return {**kept, "metadata": {name: value for name, value in told["metadata"].items() if name not in names}}


def completion(body):
    """What the model says to a request for a chat completion: it calls a tool where it has one and no result yet."""
    calls = bool(body.get("tools")) and body["messages"][-1]["role"] == "user"
    said = {"content": None, "tool_calls": [TOOL_CALL]} if calls else {"content": ANSWER}
    choice = {"index": 0, "finish_reason": "tool_calls" if calls else "stop"}
    kind = {"id": "r1", "object": "chat.completion", "created": 1, "model": "m1-2026", "usage": USAGE}
    return {**kind, "choices": [{**choice, "message": {"role": "assistant", **said}}]}


def streamed():
    kind = {"id": "r1", "object": "chat.completion.chunk", "created": 1, "model": "m1-2026"}
    deltas = [({"role": "assistant", "content": piece}, None) for piece in PIECES]
    for delta, reason in [*deltas, ({}, "stop")]:
        chunk = {**kind, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        yield f"data: {json.dumps(chunk)}\n\n"
    yield f"data: {json.dumps({**kind, 'choices': [], 'usage': USAGE})}\n\n"
    yield "data: [DONE]\n\n"


def responded():
    """An answer of the newer Responses API."""
    said = {"type": "output_text", "text": ANSWER, "annotations": []}
    item = {"id": "i1", "type": "message", "role": "assistant", "status": "completed", "content": [said]}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    usage = {"input_tokens": 12, "output_tokens": 7, "total_tokens": 19, **details}
    kind = {"id": "r1", "object": "response", "created_at": 1, "model": "m1-2026", "status": "completed"}
    return {**kind, "output": [item], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": usage}


class Model(BaseHTTPRequestHandler):
    """A model provider on this machine."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["model"] == "busy":
            self.reply(429, "application/json", json.dumps({"error": {"message": "slow down", "type": "rate"}}))
        elif body.get("stream"):
            self.reply(200, "text/event-stream", "".join(streamed()))
        else:
            document = responded() if self.path.endswith("/responses") else completion(body)
            self.reply(200, "application/json", json.dumps(document))

    def reply(self, status, kind, text):
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Nothing: the test's output is the test's."""


@pytest.fixture(scope="module")
def model():
    """URL of the model provider."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


@pytest.fixture
def client(client_of, way):
    """An application that is instrumented."""
    client = client_of(way)
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=client.tracers)
    yield client
    instrumentor.uninstrument()


@pytest.fixture
def provider(client, model):
    """The provider's client, instrumented."""
    del client
    with openai.OpenAI(base_url=model, api_key="none", max_retries=0) as provider:
        yield provider


def chat(provider, _):
    provider.chat.completions.create(model="m1", messages=ASKED)
    return TOLD


def stream(provider, _):
    with provider.chat.completions.create(model="m1", messages=ASKED, stream=True) as chunks:
        assert len(list(chunks)) == 4
    return TOLD


def response(provider, _):
    provider.responses.create(model="m1", instructions="Be kind.", input=QUESTION)
    return without(TOLD, "finish_reason")


def response_to_messages(provider, _):
    provider.responses.create(model="m1", input=[{"role": "user", "content": QUESTION}])
    return without(TOLD, "finish_reason")


def picture(provider, _):
    shown = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    asked = [{"type": "text", "text": QUESTION}, shown]
    provider.chat.completions.create(model="m1", messages=[{"role": "user", "content": asked}])
    return TOLD


def failed(provider, _):
    with pytest.raises(openai.RateLimitError):
        provider.chat.completions.create(model="busy", messages=ASKED)
    told = without(TOLD, "response", "input_tokens", "output_tokens", "finish_reason")
    return {**told, "model": "busy", "error": "openai.RateLimitError"}


def agent(provider, tracer):
    """An agent that is decorated, whose model calls a tool."""

    @tracer.tool
    def track(card: int) -> str:
        return f"{card}: Tuesday"

    @tracer.agent
    def helper(question: str) -> str:
        asked = [ASKED[0], {"role": "user", "content": question}]
        called = provider.chat.completions.create(model="m1", messages=asked, tools=TOOLS).choices[0].message
        result = {"role": "tool", "tool_call_id": "t1", "content": track(7)}
        resumed = [*asked, called.to_dict(), result]
        return provider.chat.completions.create(model="m1", messages=resumed, tools=TOOLS).choices[0].message.content

    assert helper(QUESTION) == ANSWER
    told = without(TOLD, "provider", "input_tokens", "output_tokens", "finish_reason")
    return {**told, "tool": "track"}


def resumed(provider, _):
    """The call after a tool's, where nothing is around the two."""
    messages = [*ASKED, {"role": "assistant", "tool_calls": [TOOL_CALL]}]
    messages += [{"role": "tool", "tool_call_id": "t1", "content": "Tuesday"}]
    provider.chat.completions.create(model="m1", messages=messages, tools=TOOLS)
    return {**TOLD, "tool": "track"}


CALLS = [chat, stream, response, response_to_messages, picture, failed, agent, resumed]


@pytest.fixture(params=CALLS, ids=lambda call: call.__name__)
def told(request, client, provider):
    """What a call is when it has arrived, once it was recorded; its user before hashing."""
    tracer = OITracer(client.tracer(), config=TraceConfig())
    memory = InMemorySpanExporter()
    client.tracers.add_span_processor(SimpleSpanProcessor(memory))
    with using_attributes(session_id="c1", user_id="ada", metadata={"plan": "pro"}):
        told = request.param(provider, tracer)
    (outermost,) = (span for span in memory.get_finished_spans() if span.parent is None)
    begin, end = outermost.start_time // 1000, outermost.end_time // 1000
    return {**told, "occurred_at": end, "response_time": (end - begin) / 1e6}


def test_instrumented_calls_arrive_as_they_were(running, client, told, arrived):
    client.send()
    assert arrived() == [running.stored(told)]


def test_annotations_on_a_span_are_its_feedback(client, provider, arrived):
    """As OpenInference names them where an application sets them itself."""
    tracer = OITracer(client.tracer(), config=TraceConfig())
    with tracer.start_as_current_span("helper", openinference_span_kind="agent") as span:
        said = provider.chat.completions.create(model="m1", messages=ASKED).choices[0].message.content
        span.set_input(QUESTION)
        span.set_output(said)
        span.set_attribute("annotations.0.annotation.name", "user_feedback")
        span.set_attribute("annotations.0.annotation.label", "thumbs_up")
        span.set_attribute("evaluations.0.evaluation.name", "relevance")
        span.set_attribute("evaluations.0.evaluation.score", 0.25)
    client.send()
    (record,) = arrived()
    assert (record["query"], record["response"]) == (QUESTION, ANSWER)
    assert (record["feedback"], record["critics"]) == (1.0, {"relevance": 0.25})


def test_what_the_application_hides_is_nobodys_question(client_of, model, arrived, way):
    """In place of a text that is hidden, OpenInference sends a mark that is the same for all."""
    client, instrumentor = client_of(way), OpenAIInstrumentor()
    with openai.OpenAI(base_url=model, api_key="none") as provider:
        for hidden in (TraceConfig(hide_inputs=True, hide_outputs=True), TraceConfig(hide_outputs=True)):
            instrumentor.instrument(tracer_provider=client.tracers, config=hidden)
            provider.chat.completions.create(model="m1", messages=ASKED)
            instrumentor.uninstrument()
    client.send()
    assert [(record["query"], record.get("response")) for record in arrived()] == [(QUESTION, None)]
