"""What the setting `embedder` may be, and what each choice needs besides."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator

EmbedderName = Literal["minilm", "fast", "static", "multilingual", "model2vec", "sentence-transformers", "openai"]

_NEEDED = {
    "embedder_model": {
        "model2vec": "the folder that a model was saved to",
        "sentence-transformers": "the folder that a model was saved to",
        "openai": "the id of a model there",
    },
    "embedder_url": {"openai": "the endpoint's address, like http://127.0.0.1:8000/v1"},
}


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or re.search(r"[\s@]|[^ -~]", url):
        raise ValueError(
            "is no address of an endpoint: give it like https://host/v1, a key in KAIZEN_EMBEDDER_KEY and not in here"
        )
    return url


EndpointUrl = Annotated[str, AfterValidator(_address)]


def check_needed(name: str, value: str | None, embedder: str | None) -> str | None:
    """The value of a setting that some embedders need.

    Raises:
        ValueError: that one does, and it is absent.
    """
    needed = _NEEDED[name].get(embedder or "")
    if needed and value is None:
        raise ValueError(f"must be set for KAIZEN_EMBEDDER={embedder}: {needed}")
    return value
